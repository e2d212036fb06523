// taubenpost fsck: checks the store and its spool, and changes nothing.
#include "app/state_dir.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "store/check_store.h"

namespace taubenpost::cli {
namespace {

struct NoArgs {};

std::string counts(const CheckSummary& summary) {
  std::string text = std::to_string(summary.rows) + " rows of " +
                     std::to_string(summary.send_jobs + summary.receive_jobs) + " jobs and " +
                     std::to_string(summary.channels) + " channels, " +
                     std::to_string(summary.spool_slices) + " slices of spools";
  if (summary.leftover_spools > 0)
    text += ", " + std::to_string(summary.leftover_spools) + " spools that the next run removes";
  return text + ": " +
         (summary.findings == 0 ? "clean" : std::to_string(summary.findings) + " findings");
}

Result<int> run_fsck(Context& context, const NoArgs&) {
  const Result<std::string> dir = context.state_dir();
  if (!dir) return dir.error();
  const Result<KeySource> key = context.key();
  if (!key) return key.error();
  const Result<OpenedStore> store = open_store_to_look(*dir, *key, nullptr);
  if (!store) return store.error();
  Disk disk;
  RealFiles files(*dir, spool_key_of(*store), store->seal->store(), disk);
  Output& out = context.out();
  const Result<CheckSummary> summary = check_store(*store, files, [&](const Finding& finding) {
    out.result("finding",
               {{"object", finding.object}, {"what", finding.what}, {"advice", finding.advice}},
               printable(finding.object + ": " + finding.what + "; " + finding.advice, 4096));
  });
  if (!summary) return summary.error();
  out.result("fsck",
             {{"rows", summary->rows},
              {"send_jobs", summary->send_jobs},
              {"receive_jobs", summary->receive_jobs},
              {"channels", summary->channels},
              {"spool_slices", summary->spool_slices},
              {"leftover_spools", summary->leftover_spools},
              {"findings", summary->findings}},
             counts(*summary));
  return summary->findings == 0 ? kDone : kStoreBad;
}

}  // namespace

void add_fsck(Commands& commands) {
  CLI::App* command = commands.root.add_subcommand("fsck", "Checks the store, and changes nothing");
  on_chosen<NoArgs>(commands, *command, run_fsck);
}

}  // namespace taubenpost::cli
