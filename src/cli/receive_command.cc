// taubenpost receive: one poll round, then everything that was found is fetched to its end.
#include "app/time_text.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/jobs.h"
#include "cli/place_options.h"
#include "engine/channels.h"
#include "engine/engine.h"
#include "engine/poll.h"

namespace taubenpost::cli {
namespace {

struct ReceiveArgs {
  std::string from;
  PlaceArgs place;
};

struct Round {
  PollSummary found;               // of all channels
  std::optional<Error> no_answer;  // of some channel: the others went on
};

Result<std::vector<ChannelRow>> channels_to_poll(const ports::Store& store,
                                                 const std::string& from) {
  std::vector<ChannelRow> incoming;
  if (!from.empty()) {
    Result<ChannelRow> channel = find_channel(store, from);
    if (!channel) return channel.error();
    if (channel->direction != ChannelDirection::kIncoming)
      return error(Errc::kUsage, "channel " + printable(from) + " is for sending",
                   "name a channel made with 'channel import'");
    incoming.push_back(std::move(channel).value());
    return incoming;
  }
  Result<std::vector<ChannelRow>> all = store.channels();
  if (!all) return all.error();
  for (ChannelRow& channel : all.value())
    if (channel.direction == ChannelDirection::kIncoming) incoming.push_back(std::move(channel));
  if (incoming.empty())
    return error(Errc::kNotFound, "there is no channel to receive from",
                 "'taubenpost channel import' makes one of an invitation");
  return incoming;
}

boost::asio::awaitable<Result<Round>> poll_all(EnginePorts ports, std::vector<ChannelRow> channels,
                                               std::string folder, PlaceOptions place) {
  Round round;
  const Result<ports::NetworkView> network = co_await connect_to_network(ports);
  if (!network) co_return network.error();
  for (const ChannelRow& channel : channels) {
    Result<PollSummary> found = co_await poll_channel(ports, channel.id, folder, place);
    if (found) {
      round.found += *found;
    } else if (found.error().code == Errc::kTemporary) {
      if (!round.no_answer) round.no_answer = found.error();
    } else {
      co_return found.error();
    }
  }
  co_return round;
}

void notice_what_is_no_job(Output& out, const PollSummary& found) {
  const auto count = [&out](std::size_t number, const char* what) {
    if (number > 0) out.notice(std::to_string(number) + what);
  };
  count(found.held, " transfers wait for your decision: 'taubenpost inbox list'");
  count(found.refused,
        " transfers were refused by the rules of their channel: 'taubenpost inbox list'");
  count(found.deferred, " transfers wait until fewer are unfinished");
  count(found.retracted, " transfers were retracted by their sender");
  count(found.others, " boxes held no new transfer");
  count(found.passed_over, " empty positions were passed over; later rounds look there again");
  count(found.lost, " positions that were passed over stayed empty until nothing could be there");
}

Result<int> run_receive(Context& context, const ReceiveArgs& args) {
  const Result<std::string> folder = args.place.folder();
  if (!folder) return folder.error();
  const Result<Session*> opened = context.session();
  if (!opened) return opened.error();
  Session& session = **opened;
  Result<std::vector<ChannelRow>> channels = channels_to_poll(session.store(), args.from);
  if (!channels) return channels.error();
  const Result<JobWatch> watch = JobWatch::start(session.store());
  if (!watch) return watch.error();

  session.on_tick([&] { show_progress(context.out(), session.store()); });
  const Result<Round> round = session.run(
      poll_all(session.ports(), std::move(channels).value(), *folder, args.place.options()));
  if (!round) return round.error();
  Engine engine(session.ports(), EngineOptions{});
  const Result<RunSummary> run = session.run(engine.run_until_idle());
  const Result<JobWatch::Ended> ended = watch->ended(session.store());
  if (!ended) return ended.error();
  for (const ReceiveView& job : ended->placed) print_placed(context.out(), job);
  report_failed(context.out(), *ended);
  notice_what_is_no_job(context.out(), round->found);
  if (!run) return run.error();
  report_unfinished(context.out(), session.store(), *ended, unix_now());
  if (round->no_answer) return *round->no_answer;
  if (ended->delivered() + ended->failed() + ended->unfinished.size() == 0)
    return error(Errc::kNothingToDo, "nothing new");
  return exit_status_of_jobs(ended->delivered(), ended->failed(), ended->unfinished.size());
}

}  // namespace

void add_receive(Commands& commands) {
  CLI::App* command = commands.root.add_subcommand("receive", "Fetches what has arrived");
  const auto args = on_chosen<ReceiveArgs>(commands, *command, run_receive);
  command->add_option("--from", args->from, "only from this channel")->type_name("NAME");
  add_place_options(*command, args->place);
}

}  // namespace taubenpost::cli
