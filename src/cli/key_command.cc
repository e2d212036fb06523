// taubenpost key list|add|remove: the ways to unlock the store; and the options that name one.
#include <CLI/CLI.hpp>

#include "app/state_dir.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "store/keys.h"

namespace taubenpost::cli {
namespace {

struct NoArgs {};
struct AddArgs {
  KeyOptions key;
};
struct RemoveArgs {
  std::uint32_t slot = 0;
};

std::string_view name_of(std::optional<SlotKind> kind) {
  if (!kind) return "unknown";
  return *kind == SlotKind::kKeyFile ? "key file" : "passphrase";
}

void print(Output& out, std::uint32_t slot, std::optional<SlotKind> kind, std::string_view state) {
  out.result("key", {{"slot", slot}, {"kind", name_of(kind)}, {"state", state}},
             std::to_string(slot) + "\t" + std::string(name_of(kind)) +
                 (state == "ready" ? "" : "\t" + std::string(state)));
}

// Without an engine: no job has to be looked at.
Result<OpenedStore> open(Context& context) {
  const Result<std::string> dir = context.state_dir();
  if (!dir) return dir.error();
  const Result<KeySource> key = context.key();
  if (!key) return key.error();
  return open_store(*dir, *key, nullptr);
}

Result<int> run_list(Context& context, const NoArgs&) {
  const Result<OpenedStore> store = open(context);
  if (!store) return store.error();
  const Result<std::vector<SlotInfo>> slots = list_slots(*store->db);
  if (!slots) return slots.error();
  for (const SlotInfo& one : *slots) print(context.out(), one.slot, one.kind, "ready");
  return kDone;
}

Result<int> run_add(Context& context, const AddArgs& args) {
  const Result<OpenedStore> store = open(context);
  if (!store) return store.error();
  const Result<KeySource> key = key_source(args.key);
  if (!key) return key.error();
  const Result<std::uint32_t> slot = add_slot(*store, *key);
  if (!slot) return slot.error();
  const bool is_file = std::holds_alternative<KeyFile>(*key);
  print(context.out(), *slot, is_file ? SlotKind::kKeyFile : SlotKind::kPassphrase, "ready");
  return kDone;
}

Result<int> run_remove(Context& context, const RemoveArgs& args) {
  const Result<OpenedStore> store = open(context);
  if (!store) return store.error();
  const Result<std::vector<SlotInfo>> slots = list_slots(*store->db);
  if (!slots) return slots.error();
  TP_TRY(remove_slot(*store, args.slot));
  for (const SlotInfo& one : *slots)
    if (one.slot == args.slot) print(context.out(), one.slot, one.kind, "removed");
  context.out().notice("copies of the store that were made before still open with it");
  return kDone;
}

// The option of an absolute path; the environment variable is that of the global option.
void add_path(CLI::App& app, const std::string& name, const char* variable, std::string& path,
              const char* about) {
  CLI::Option* option = app.add_option_function<std::string>(
      "--" + name, [&path](const std::string& given) { path = absolute_path(given); }, about);
  option->check(names_something())->type_name("FILE");
  if (variable != nullptr) option->envname(variable);
}

}  // namespace

void add_key_options(CLI::App& app, const std::string& prefix, KeyOptions& options) {
  const bool is_global = prefix.empty();
  const auto variable = [&](const char* name) { return is_global ? name : nullptr; };
  add_path(app, prefix + "key-file", variable("TAUBENPOST_KEY_FILE"), options.key_file,
           "32 random bytes that unlock the store");
  add_path(app, prefix + "passphrase-file", variable("TAUBENPOST_PASSPHRASE_FILE"),
           options.passphrase_file, "holds a passphrase that unlocks the store");
  add_path(app, prefix + "passphrase-command", variable("TAUBENPOST_PASSPHRASE_COMMAND"),
           options.passphrase_command, "a program that prints the passphrase");
  CLI::Option* descriptor = app.add_option("--" + prefix + "passphrase-fd", options.passphrase_fd,
                                           "an open descriptor from which the passphrase is read")
                                ->check(CLI::Range(0, 1'048'576))
                                ->type_name("NUMBER");
  if (is_global) descriptor->envname("TAUBENPOST_PASSPHRASE_FD");
}

void add_key(Commands& commands) {
  CLI::App* key =
      commands.root.add_subcommand("key", "Lists, adds and removes ways to unlock the store");
  key->require_subcommand(1);
  key->fallthrough();
  on_chosen<NoArgs>(commands, *key->add_subcommand("list", "Lists them"), run_list);
  CLI::App* add = key->add_subcommand("add", "Adds one: a new key file, or a passphrase");
  const auto added = on_chosen<AddArgs>(commands, *add, run_add);
  add_key_options(*add, "new-", added->key);
  CLI::App* remove = key->add_subcommand("remove", "Removes one");
  const auto removed = on_chosen<RemoveArgs>(commands, *remove, run_remove);
  remove->add_option("SLOT", removed->slot, "its number, as 'key list' prints it")->required();
}

}  // namespace taubenpost::cli
