// taubenpost serve: the service. It looks for what has arrived where the channels have a delivery,
// and goes on with every unfinished job.
#include "app/time_text.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/jobs.h"
#include "cli/on_received.h"
#include "cli/receive.h"
#include "engine/deliver.h"
#include "engine/engine.h"
#include "engine/poll_receipts.h"

namespace taubenpost::cli {
namespace {

struct ServeArgs {
  bool until_idle = false;
  OnReceivedArgs reports;
};

struct Found {
  std::size_t waiting_channels =
      0;                           // whose folder is missing, or that have more than a round takes
  std::optional<Error> no_answer;  // of some channel
};

// What has arrived, for whom nobody has to ask, and who has received what.
Result<Found> look_around(Session& session, Output& out) {
  Result<DeliveryRound> round = session.run(poll_deliveries(session.ports()));
  if (!round) return round.error();
  for (const ChannelRow& channel : round->without_folder) notice_no_folder(out, channel);
  notice_what_is_no_job(out, round->found);
  const Result<ReceiptRound> receipts = session.run(poll_receipts(session.ports()));
  if (!receipts) return receipts.error();
  tell_receipts(out, session.store(), *receipts);
  return Found{round->without_folder.size() + round->found.more, std::move(round->no_answer)};
}

Result<int> run_serve(Context& context, const ServeArgs& args) {
  if (!args.until_idle)
    return error(Errc::kUsage, "a service that stays is not possible yet",
                 "'taubenpost serve --until-idle' brings every job to its end");
  const Result<Session*> opened = context.session();
  if (!opened) return opened.error();
  Session& session = **opened;
  const Result<JobWatch> watch = JobWatch::start(session.store());
  if (!watch) return watch.error();
  session.on_tick([&] { show_progress(context.out(), session.store()); });
  const Result<Found> found = look_around(session, context.out());
  Engine engine(session.ports(), EngineOptions{});
  const Result<RunSummary> run = session.run(engine.run_until_idle());
  const Result<JobWatch::Ended> ended = watch->ended(session.store());
  if (!ended) return ended.error();
  for (const SendView& job : ended->posted) print(context.out(), job);
  for (const SendView& job : ended->retracted) print_retraction(context.out(), job);
  for (const ReceiveView& job : ended->placed) print_placed(context.out(), job);
  report_failed(context.out(), *ended);
  if (!found) return found.error();
  if (!run) return run.error();
  TP_TRY(session.run(report_all_received(session.ports(), args.reports, context.out())));
  report_unfinished(context.out(), session.store(), *ended, unix_now());
  const std::size_t unfinished = ended->unfinished.size() + found->waiting_channels;
  const int status = exit_status_of_jobs(ended->delivered(), ended->failed(), unfinished);
  if (status == kDone && found->no_answer) return *found->no_answer;
  return status;
}

}  // namespace

void add_serve(Commands& commands) {
  CLI::App* command = commands.root.add_subcommand("serve", "Goes on with all unfinished jobs");
  const auto args = on_chosen<ServeArgs>(commands, *command, run_serve);
  command->add_flag("--until-idle", args->until_idle, "end when nothing is left to do");
  add_on_received_timeout(*command, args->reports);
}

}  // namespace taubenpost::cli
