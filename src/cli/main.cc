// The program's entry: reads the command line, runs one command, maps its end to an exit status.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "app/process.h"
#include "app/state_dir.h"
#include "cli/command.h"
#include "cli/exit_status.h"

namespace taubenpost::cli {

Result<std::string> Context::state_dir() const {
  if (!state_dir_option.empty()) return absolute_path(state_dir_option);
  return default_state_dir();
}

const CLI::Validator& names_something() {
  static const CLI::Validator validator(
      [](const std::string& given) {
        return given.empty() ? std::string("is empty: it must name a file or folder")
                             : std::string();
      },
      "");
  return validator;
}

Result<KeySource> Context::key() const {
  const Result<std::string> dir = state_dir();
  if (!dir) return dir.error();
  if (key_options.ways() > 0) return key_source(key_options);
  const Result<Config> config = load_app_config(*dir);
  if (!config) return config.error();
  return key_source({}, config->key, *dir);
}

Result<Session*> Context::session(Reserve reserve) {
  if (session_ == nullptr) {
    const Result<std::string> dir = state_dir();
    if (!dir) return dir.error();
    Result<std::unique_ptr<Session>> opened = Session::open(*dir, key_options, reserve);
    if (!opened) return opened.error();
    session_ = std::move(opened).value();
    if (session_->was_restored())
      out_.notice(
          "this store was restored from a copy: what it sends is held until 'taubenpost channel "
          "resync NAME' has found out, for each outgoing channel, what was sent since");
  }
  return session_.get();
}

namespace {

Result<int> run_version(Context& context, const bool&) {
  context.out().result("version", {{"version", TP_VERSION}}, "taubenpost " TP_VERSION);
  return kDone;
}

// Command-line errors in the form of all others.
int refuse(Context& context, const CLI::App& app, const CLI::ParseError& problem) {
  std::string what = problem.what();
  // Without a command CLI11 asks for one, and does not say which word it did not know.
  const std::vector<std::string> unknown = app.remaining();
  if (app.get_subcommands().empty() && !unknown.empty())
    what = unknown.front() + ": no such command or option";
  while (!what.empty() && (what.back() == '\n' || what.back() == '.')) what.pop_back();
  context.out().fail(error(Errc::kUsage, printable(what), "taubenpost --help"), kUsage);
  return kUsage;
}

int finish(Context& context, const Result<int>& end) {
  int status = kDone;
  if (end) {
    status = end.value();
  } else {
    Error failure = end.error();
    const int number = context.interrupted_by();
    status = exit_status(failure.code);
    if (failure.code == Errc::kCancelled && number != 0) {
      status = kSignalBase + number;
      failure.what = number == SIGINT ? "stopped by SIGINT" : "stopped by SIGTERM";
      if (failure.hint.empty()) failure.hint = "nothing of this command goes on at the daemon";
    }
    context.out().fail(failure, status);
  }
  const Status written = context.out().finish();
  if (written || status != kDone) return status;
  status = exit_status(written.error().code);
  std::fprintf(stderr, "taubenpost: %s\n", written.error().what.c_str());
  return status;
}

int run(int argc, char** argv) {
  CLI::App app("Sends files to several recipients over Katzenpost's Pigeonhole storage, durably.",
               "taubenpost");
  Context context;
  bool is_json = false;
  app.fallthrough();
  app.require_subcommand(1);
  app.add_option("--state-dir", context.state_dir_option, "where jobs, channels and keys are kept")
      ->envname("TAUBENPOST_STATE_DIR")
      ->check(names_something())
      ->type_name("DIR");
  add_key_options(app, "", context.key_options);
  app.add_flag("--json", is_json, "results as one JSON object a line (docs/cli.md)")
      ->envname("TAUBENPOST_JSON");
  // After --json, which it depends on: CLI11 looks at what was given in this order.
  app.add_flag_callback(
      "--version", [] { throw CLI::CallForVersion(TP_VERSION, kDone); }, "as the command version");

  Commands commands{app, {}};
  add_init(commands);
  add_channel(commands);
  add_send(commands);
  add_list(commands);
  add_show(commands);
  add_steering(commands);
  add_again(commands);
  add_receive(commands);
  add_inbox(commands);
  add_serve(commands);
  add_key(commands);
  add_fsck(commands);
  add_backup(commands);
  add_purge(commands);
  add_localnet(commands);
  add_raw(commands);
  add_ping(commands);
  add_pki(commands);
  add_version(commands);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForVersion&) {
    if (is_json) context.out().use_json();
    return finish(context, run_version(context, true));
  } catch (const CLI::Success& asked_for_help) {
    return app.exit(asked_for_help);
  } catch (const CLI::ParseError& problem) {
    if (is_json) context.out().use_json();
    return refuse(context, app, problem);
  }
  if (is_json) context.out().use_json();
  return finish(context, commands.chosen(context));
}

}  // namespace

void add_version(Commands& commands) {
  CLI::App* command = commands.root.add_subcommand("version", "Prints the version");
  on_chosen<bool>(commands, *command, run_version);
}

}  // namespace taubenpost::cli

int main(int argc, char** argv) {
  taubenpost::protect_memory();
  return taubenpost::cli::run(argc, argv);
}
