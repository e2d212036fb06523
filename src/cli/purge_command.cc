// taubenpost purge: forgets jobs that ended some time ago.
#include <chrono>

#include "cli/command.h"
#include "cli/exit_status.h"
#include "engine/purge.h"

namespace taubenpost::cli {
namespace {

struct PurgeArgs {
  std::uint64_t days = 30;
};

Result<int> run_purge(Context& context, const PurgeArgs& args) {
  const Result<Session*> session = context.session(Reserve::kUse);
  if (!session) return session.error();
  const EnginePorts ports = (*session)->ports();
  // One second more: with 0 days, jobs that ended in this second are meant too.
  const std::uint64_t now = ports.clock.unix_ms() / 1000 + 1;
  const std::uint64_t age = args.days * 86'400;
  const Result<PurgeSummary> done = (*session)->run(purge_ended(ports, now > age ? now - age : 0));
  if (!done) return done.error();
  context.out().result("purge",
                       {{"send_jobs", done->send_jobs},
                        {"receive_jobs", done->receive_jobs},
                        {"positions", done->positions}},
                       "forgot " + std::to_string(done->send_jobs + done->receive_jobs) +
                           " jobs and " + std::to_string(done->positions) + " old letters");
  return kDone;
}

}  // namespace

void add_purge(Commands& commands) {
  CLI::App* command = commands.root.add_subcommand("purge", "Forgets jobs that ended long ago");
  const auto args = on_chosen<PurgeArgs>(commands, *command, run_purge);
  command->add_option("--older-than", args->days, "that ended so many days ago (default: 30)")
      ->check(CLI::Range(0, 36'500))
      ->type_name("DAYS");
}

}  // namespace taubenpost::cli
