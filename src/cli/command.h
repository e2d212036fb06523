// What the commands share: global options, the output, and how a command line becomes a call.
//
// Each add_*() declares one command with its options; when the command line names it, `chosen` is
// the function to run. A command returns its exit status, or an error that main() prints and maps.
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/session.h"
#include "cli/output.h"

namespace taubenpost::cli {

class Context {
 public:
  Output& out() { return out_; }
  // Of --state-dir, its environment variable or the default; absolute.
  Result<std::string> state_dir() const;
  // What opens its store: as the global options or its config.toml say.
  Result<KeySource> key() const;
  // Opened at the first call.
  Result<Session*> session(Reserve reserve = Reserve::kKeep);
  // The signal that ended the work, or 0.
  int interrupted_by() const { return session_ ? session_->interrupted_by() : signal_; }
  // For work without a session.
  void note_signal(int number) { signal_ = number; }

  std::string state_dir_option;
  KeyOptions key_options;  // absolute paths once the command line is read

 private:
  Output out_;
  std::unique_ptr<Session> session_;
  int signal_ = 0;
};

struct Commands {
  CLI::App& root;
  std::function<Result<int>(Context&)> chosen;
};

void add_init(Commands& commands);
void add_channel(Commands& commands);
void add_send(Commands& commands);
void add_list(Commands& commands);
void add_show(Commands& commands);
void add_steering(Commands& commands);
void add_again(Commands& commands);
void add_receive(Commands& commands);
void add_inbox(Commands& commands);
void add_serve(Commands& commands);
void add_key(Commands& commands);
void add_fsck(Commands& commands);
void add_backup(Commands& commands);
void add_purge(Commands& commands);
void add_localnet(Commands& commands);
void add_raw(Commands& commands);
void add_ping(Commands& commands);
void add_pki(Commands& commands);
void add_version(Commands& commands);

// For options and arguments that name a file or folder: an empty one (of an unset variable in a
// script) would be the working directory.
const CLI::Validator& names_something();

// --key-file, --passphrase-file, --passphrase-command, --passphrase-fd, or with a prefix.
void add_key_options(CLI::App& app, const std::string& prefix, KeyOptions& options);

// Declares a command; `run` gets the arguments that the returned options fill.
template <class Args>
std::shared_ptr<Args> on_chosen(Commands& commands, CLI::App& command,
                                Result<int> (*run)(Context&, const Args&)) {
  auto args = std::make_shared<Args>();
  command.callback([&commands, args, run] {
    // CLI11 calls the innermost command first.
    if (commands.chosen) return;
    commands.chosen = [args, run](Context& context) { return run(context, *args); };
  });
  return args;
}

}  // namespace taubenpost::cli
