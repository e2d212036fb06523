// taubenpost receive: one poll round, then everything that was found is fetched to its end.
#include <algorithm>

#include "app/child_process.h"
#include "app/state_dir.h"
#include "app/time_text.h"
#include "cli/exit_status.h"
#include "cli/jobs.h"
#include "cli/on_received.h"
#include "cli/receive.h"
#include "engine/channels.h"
#include "engine/deliver.h"
#include "engine/engine.h"
#include "engine/receive_runs.h"

namespace taubenpost::cli {

namespace {

bool is_of(const ReceiveJobRow& row, const std::vector<ChannelRow>& channels) {
  return std::any_of(channels.begin(), channels.end(),
                     [&](const ChannelRow& channel) { return channel.id == row.channel; });
}

}  // namespace

Result<PlaceOptions> ReceiveArgs::options() const {
  PlaceOptions options = place.options();
  if (on_received.empty()) return options;
  options.on_received = absolute_path(on_received);
  TP_TRY(can_be_run(options.on_received));
  return options;
}

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
  const Result<std::vector<ChannelRow>> all = store.channels();
  if (!all) return all.error();
  for (const ChannelRow& channel : *all)
    if (channel.direction == ChannelDirection::kIncoming && !channel.of_receipts)
      incoming.push_back(channel);
  if (incoming.empty() && std::ranges::none_of(*all, &ChannelRow::of_receipts))
    return error(Errc::kNotFound, "there is no channel to receive from",
                 "'taubenpost channel import' makes one of an invitation");
  return incoming;
}

Result<Receiving> begin_receiving(Context& context, const ReceiveArgs& args) {
  Result<std::string> folder = args.place.folder();
  if (!folder) return folder.error();
  Result<PlaceOptions> place = args.options();
  if (!place) return place.error();
  const Result<Session*> session = context.session();
  if (!session) return session.error();
  Result<std::vector<ChannelRow>> channels = channels_to_poll((*session)->store(), args.from);
  if (!channels) return channels.error();
  (*session)->on_tick(
      [&context, &store = (*session)->store()] { show_progress(context.out(), store); });
  Receiving receiving{*session,
                      std::move(channels).value(),
                      std::move(folder).value(),
                      std::move(place).value(),
                      {}};
  const bool is_told = args.place.is_given() || !args.on_received.empty() || args.follow;
  for (const ChannelRow& channel : receiving.channels) {
    const bool is_delivered = has_delivery(channel) && !is_told;
    Inlet inlet{channel.id, receiving.folder, receiving.place};
    if (is_delivered) inlet = {channel.id, channel.delivery.folder, place_of(channel.delivery)};
    if (is_delivered && !(*session)->ports().files.free_space(inlet.folder))
      notice_no_folder(context.out(), channel);
    else
      receiving.inlets.push_back(std::move(inlet));
  }
  return receiving;
}

boost::asio::awaitable<Status> take_verified(EnginePorts ports, std::vector<Inlet> inlets) {
  const Result<std::vector<ReceiveJobRow>> rows = ports.store.receive_job_rows();
  if (!rows) co_return rows.error();
  for (const ReceiveJobRow& row : *rows) {
    const auto inlet = std::ranges::find(inlets, row.channel, &Inlet::channel);
    if (row.state == ReceiveState::kVerified && inlet != inlets.end())
      TP_CO_TRY(co_await receive_elsewhere(ports, row, inlet->folder, inlet->place));
  }
  co_return ok();
}

boost::asio::awaitable<Result<Round>> poll_all(EnginePorts ports, std::vector<Inlet> inlets) {
  Round round;
  const Result<ports::NetworkView> network = co_await connect_to_network(ports);
  if (!network) co_return network.error();
  for (unsigned turn = 0; turn < kPollTurns && !inlets.empty(); ++turn) {
    std::vector<Inlet> more;
    for (Inlet& inlet : inlets) {
      Result<PollSummary> found =
          co_await poll_channel(ports, inlet.channel, inlet.folder, inlet.place);
      if (found) {
        round.found += *found;
        if (found->more > 0) more.push_back(std::move(inlet));
      } else if (found.error().code == Errc::kTemporary) {
        if (!round.no_answer) round.no_answer = found.error();
      } else {
        co_return found.error();
      }
    }
    inlets = std::move(more);
  }
  round.found.more = inlets.size();
  co_return round;
}

Error nothing_new(const PollSummary& found) {
  const bool is_quiet = found.held + found.refused + found.deferred + found.retracted == 0;
  return error(Errc::kNothingToDo, is_quiet ? "nothing new" : "nothing was received");
}

void notice_no_folder(Output& out, const ChannelRow& channel) {
  out.notice("channel " + printable(channel.name) + ": " +
             printable(channel.delivery.folder, 4096) +
             " is missing; what arrives stays where it is until it is there again");
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
  count(found.more, " channels have more than one run takes: 'taubenpost receive' goes on there");
}

namespace {

Result<Unit> verify(Session& session, const std::vector<ChannelRow>& channels) {
  const Result<std::vector<ReceiveJobRow>> rows = session.store().receive_job_rows();
  if (!rows) return rows.error();
  std::vector<JobId> ids;
  for (const ReceiveJobRow& row : *rows)
    if (is_of(row, channels) && !has_ended(row.state) && row.state != ReceiveState::kPlacing)
      ids.push_back(row.id);
  ReceiveGoal goal;
  goal.only_verify = true;
  return session.run(run_receives(session.ports(), EngineOptions{}, std::move(ids), goal));
}

void print_verified(Output& out, const ReceiveView& job) {
  out.result("receive_job", job.json(),
             std::string(job.is_unverified ? "unverified" : "verified") + "\t" +
                 printable(job.name) + "\t" + std::to_string(job.size) + "\t" +
                 printable(job.row.channel_name));
}

Result<int> run_verify(Context& context, const ReceiveArgs& args) {
  const Result<Receiving> receiving = begin_receiving(context, args);
  if (!receiving) return receiving.error();
  Session& session = *receiving->session;
  Output& out = context.out();
  const Result<JobWatch> watch = JobWatch::start(session.store());
  if (!watch) return watch.error();
  const Result<Round> round = session.run(poll_all(session.ports(), receiving->inlets));
  if (!round) return round.error();
  const Result<Unit> verified = verify(session, receiving->channels);
  Result<JobWatch::Ended> ended = watch->ended(session.store());
  if (!ended) return ended.error();
  report_failed(out, *ended);
  notice_what_is_no_job(out, round->found);
  if (!verified) return verified.error();
  std::size_t good = 0, unfinished = 0;
  for (const ReceiveView& job : ended->verified) {
    if (!is_of(job.row, receiving->channels)) continue;
    print_verified(out, job);
    ++good;
  }
  for (const JobView& job : ended->unfinished) {
    const auto* receive = std::get_if<ReceiveView>(&job);
    if (receive != nullptr && is_of(receive->row, receiving->channels)) ++unfinished;
  }
  if (round->no_answer) return *round->no_answer;
  const std::size_t failed = ended->receive_failed.size();
  unfinished += round->found.more;
  if (good + failed + unfinished == 0) return nothing_new(round->found);
  return exit_status_of_jobs(good, failed, unfinished);
}

Result<int> run_receive(Context& context, const ReceiveArgs& args) {
  if (!args.output.empty()) return receive_into(context, args);
  if (args.follow) return receive_and_follow(context, args);
  if (args.verify_only) return run_verify(context, args);
  const Result<Receiving> receiving = begin_receiving(context, args);
  if (!receiving) return receiving.error();
  Session& session = *receiving->session;
  Output& out = context.out();
  const Result<JobWatch> watch = JobWatch::start(session.store());
  if (!watch) return watch.error();
  const Result<Round> round = session.run(poll_all(session.ports(), receiving->inlets));
  if (!round) return round.error();
  TP_TRY(session.run(take_verified(session.ports(), receiving->inlets)));
  ReceiptRound receipts;
  if (args.from.empty()) {
    Result<ReceiptRound> polled = session.run(poll_receipts(session.ports()));
    if (!polled) return polled.error();
    receipts = std::move(polled).value();
  }
  Engine engine(session.ports(), EngineOptions{});
  const Result<RunSummary> run = session.run(engine.run_until_idle());
  const Result<JobWatch::Ended> ended = watch->ended(session.store());
  if (!ended) return ended.error();
  for (const ReceiveView& job : ended->placed) print_placed(out, job);
  tell_receipts(out, session.store(), receipts);
  report_failed(out, *ended);
  notice_what_is_no_job(out, round->found);
  if (!run) return run.error();
  TP_TRY(session.run(report_all_received(session.ports(), args.reports, out)));
  report_unfinished(out, session.store(), *ended, unix_now());
  if (round->no_answer) return *round->no_answer;
  const std::size_t unfinished = ended->unfinished.size() + round->found.more;
  if (ended->delivered() + ended->failed() + unfinished + receipts.seen.size() == 0)
    return nothing_new(round->found);
  return exit_status_of_jobs(ended->delivered(), ended->failed(), unfinished);
}

}  // namespace

void add_receive(Commands& commands) {
  CLI::App* command = commands.root.add_subcommand("receive", "Fetches what has arrived");
  const auto args = on_chosen<ReceiveArgs>(commands, *command, run_receive);
  CLI::Option* id = command->add_option("ID", args->id, "with -o: which transfer");
  command->add_option("--from", args->from, "only from this channel")->type_name("NAME");
  add_place_options(*command, args->place);
  CLI::Option* output = command
                            ->add_option("-o,--output", args->output,
                                         "one transfer into this file, or to standard output (-)")
                            ->check(names_something())
                            ->type_name("FILE");
  id->needs(output);
  CLI::Option* verify =
      command->add_flag("--verify-only", args->verify_only, "fetch and check, place nothing");
  verify->excludes(output);
  command->add_flag("--follow", args->follow, "stay, and place what arrives until a signal comes")
      ->excludes(output)
      ->excludes(verify);
  command
      ->add_option("--on-received", args->on_received,
                   "a program that is run for each placed file, with its path as argument")
      ->envname("TAUBENPOST_ON_RECEIVED")
      ->check(names_something())
      ->type_name("COMMAND");
  add_on_received_timeout(*command, args->reports);
}

}  // namespace taubenpost::cli
