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

std::string note_about_key(const BackupArgs& args, const std::string& key_file) {
  if (args.with_key) return "the store key is in it: whoever has it can read all of it";
  if (key_file.empty()) return "the passphrase that opens the store opens it too";
  return "the store key is not in it, and nothing opens it without: keep a copy of " +
         printable(key_file, 4096) + " somewhere else";
}

Result<int> run_backup(Context& context, const BackupArgs& args) {
  const Result<std::string> dir = context.state_dir();
  if (!dir) return dir.error();
  const BackupPlan plan{*dir, absolute_path(args.target), args.with_key};
  const Result<KeySource> key = context.key();
  if (!key) return key.error();
  const auto* file = std::get_if<KeyFile>(&*key);
  const std::string key_file = file != nullptr ? file->path.string() : "";
  if (args.with_key && key_file != RocksStore::default_key_file(*dir))
    return error(Errc::kUsage, "--with-key: this store is not unlocked by its store.key",
                 "copy without it; what unlocks the store unlocks the copy");
  Disk disk;
  const Result<BackupResult> made = make_backup(plan, *key, disk);
  if (!made) return made.error();
  context.out().result("backup",
                       {{"path", plan.target},
                        {"files", made->files},
                        {"bytes", made->bytes},
                        {"with_key", args.with_key},
                        {"key_file", key_file.empty() ? Json(nullptr) : Json(key_file)}},
                       "backup in " + printable(plan.target, 4096) + ": " +
                           std::to_string(made->files) + " files, " + std::to_string(made->bytes) +
                           " bytes");
  context.out().notice(note_about_key(args, key_file));
  return kDone;
}

}  // namespace

void add_backup(Commands& commands) {
  CLI::App* command = commands.root.add_subcommand("backup", "Copies the state directory");
  const auto args = on_chosen<BackupArgs>(commands, *command, run_backup);
  command->add_option("DIR", args->target, "made by this; must not exist")
      ->required()
      ->check(names_something());
  command->add_flag("--with-key", args->with_key, "copy the store key too");
}

}  // namespace taubenpost::cli
