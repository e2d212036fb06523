// taubenpost init: makes a state directory.
#include "app/daemon_network.h"
#include "app/state_dir.h"
#include "cli/command.h"
#include "cli/exit_status.h"

namespace taubenpost::cli {
namespace {

struct InitArgs {
  std::string thin_config;
};

Result<int> run_init(Context& context, const InitArgs& args) {
  const Result<std::string> dir = context.state_dir();
  if (!dir) return dir.error();
  const Result<std::string> thin_config =
      args.thin_config.empty() ? default_thin_config() : Result(absolute_path(args.thin_config));
  if (!thin_config) return thin_config.error();
  // Found out now rather than by the first job.
  const Result<thin::DialAddress> address =
      daemon_address(*thin_config, "name the daemon's thinclient.toml with --thin-config");
  if (!address) return address.error();
  const Result<KeySource> key = key_source(context.key_options, {}, *dir);
  if (!key) return key.error();
  Config config{*thin_config, context.key_options};
  config.key.passphrase_fd.reset();  // of this run alone
  const Result<InitResult> made = init_state_dir(*dir, config, *key);
  if (!made) return made.error();
  const bool is_new = *made == InitResult::kMade;
  const std::string shown = printable(*dir, 4096);
  context.out().result("init",
                       {{"state_dir", *dir}, {"thin_config", *thin_config}, {"made", is_new}},
                       is_new ? "initialised " + shown : shown + " is initialised already");
  return kDone;
}

}  // namespace

void add_init(Commands& commands) {
  CLI::App* command = commands.root.add_subcommand("init", "Makes a state directory");
  const auto args = on_chosen<InitArgs>(commands, *command, run_init);
  command->add_option("--thin-config", args->thin_config, "the daemon's thinclient.toml")
      ->envname("TAUBENPOST_THIN_CONFIG")
      ->check(names_something())
      ->type_name("FILE");
}

}  // namespace taubenpost::cli
