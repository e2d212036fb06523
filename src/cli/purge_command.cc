// taubenpost purge: forgets jobs that ended some time ago.
#include <algorithm>
#include <chrono>

#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/receive.h"
#include "engine/purge.h"
#include "files/disk.h"

namespace taubenpost::cli {
namespace {

struct PurgeArgs {
  std::uint64_t days = 30;
};

// What 'receive -o -' has not written to its end belongs to its job.
Result<std::uint64_t> remove_outputs(const std::string& state, const ports::Store& store) {
  const std::string folder = output_folder(state);
  const Result<std::vector<JobId>> jobs = store.receive_jobs();
  if (!jobs) return jobs.error();
  Disk disk;
  const Result<std::vector<std::string>> names = disk.names(folder);
  if (!names && names.error().code == Errc::kNotFound) return 0;
  if (!names) return names.error();
  std::uint64_t removed = 0;
  for (const std::string& name : *names) {
    const bool is_known = std::ranges::any_of(
        *jobs, [&](const JobId& id) { return name.starts_with(output_prefix(id)); });
    if (is_known || !name.starts_with(kOutputPrefix)) continue;
    const Result<bool> gone = disk.unlink(folder + "/" + name);
    if (!gone) return gone.error();
    ++removed;
  }
  return removed;
}

Result<int> run_purge(Context& context, const PurgeArgs& args) {
  const Result<Session*> session = context.session(Reserve::kUse);
  if (!session) return session.error();
  const EnginePorts ports = (*session)->ports();
  // One second more: with 0 days, jobs that ended in this second are meant too.
  const std::uint64_t now = ports.clock.unix_ms() / 1000 + 1;
  const std::uint64_t age = args.days * 86'400;
  const Result<PurgeSummary> done = (*session)->run(purge_ended(ports, now > age ? now - age : 0));
  if (!done) return done.error();
  const Result<std::string> state = context.state_dir();
  if (!state) return state.error();
  const Result<std::uint64_t> outputs = remove_outputs(*state, ports.store);
  if (!outputs) return outputs.error();
  context.out().result("purge",
                       {{"send_jobs", done->send_jobs},
                        {"receive_jobs", done->receive_jobs},
                        {"positions", done->positions},
                        {"outputs", *outputs}},
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
