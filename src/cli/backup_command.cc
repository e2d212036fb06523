// taubenpost backup: copies the state directory while nobody else uses it.
#include "app/backup.h"
#include "app/state_dir.h"
#include "cli/command.h"
#include "cli/exit_status.h"

namespace taubenpost::cli {
namespace {

struct BackupArgs {
  std::string target;
  bool with_key = false;
};

Result<int> run_backup(Context& context, const BackupArgs& args) {
  if (args.target.empty())
    return error(Errc::kUsage, "backup: the folder has no name", "name one that is not there yet");
  const Result<std::string> dir = context.state_dir();
  if (!dir) return dir.error();
  const BackupPlan plan{*dir, absolute_path(args.target), args.with_key};
  Disk disk;
  const Result<BackupResult> made = make_backup(plan, disk);
  if (!made) return made.error();
  const std::string key_file = RocksStore::default_key_file(*dir);
  context.out().result("backup",
                       {{"path", plan.target},
                        {"files", made->files},
                        {"bytes", made->bytes},
                        {"with_key", args.with_key},
                        {"key_file", key_file}},
                       "backup in " + printable(plan.target, 4096) + ": " +
                           std::to_string(made->files) + " files, " + std::to_string(made->bytes) +
                           " bytes");
  context.out().notice(args.with_key
                           ? "the store key is in it: whoever has it can read all of it"
                           : "the store key is not in it, and nothing opens it without: keep a "
                             "copy of " +
                                 printable(key_file, 4096) + " somewhere else");
  return kDone;
}

}  // namespace

void add_backup(Commands& commands) {
  CLI::App* command = commands.root.add_subcommand("backup", "Copies the state directory");
  const auto args = on_chosen<BackupArgs>(commands, *command, run_backup);
  command->add_option("DIR", args->target, "made by this; must not exist")->required();
  command->add_flag("--with-key", args->with_key, "copy the store key too");
}

}  // namespace taubenpost::cli
