// taubenpost localnet: the local network, and its control command.
#include "app/state_dir.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "localnet/daemon_behaviour.h"
#include "localnet/knob_names.h"
#include "localnet/localnet.h"
#include "localnet/profile.h"

namespace taubenpost::cli {
namespace {

struct LocalnetArgs {
  std::string listen;
  std::string data;
  std::string write_thin_config;
  bool allow_remote = false;
  double time_scale = 1;
  std::uint64_t replicas = localnet::NetworkSize().replicas();
  std::uint64_t couriers = localnet::NetworkSize().couriers();
  std::string profile = "fast";
  std::string daemon = "robust";
  std::string knobs_file;
  std::vector<std::string> set;
};
struct CtlArgs {
  std::string data;
  std::string command;
  std::vector<std::string> arguments;
};

Result<int> run_network(Context&, const LocalnetArgs& args) {
  if (args.listen.empty() || args.data.empty())
    return error(Errc::kUsage, "localnet needs --listen and --data",
                 "taubenpost localnet --listen unix:PATH --data DIR");
  localnet::Options options;
  options.listen = args.listen;
  options.allow_remote = args.allow_remote;
  options.data_dir = args.data;  // as given: the path of a socket must be short
  options.time_scale = args.time_scale;
  if (!args.write_thin_config.empty())
    options.thin_config_path = absolute_path(args.write_thin_config);
  const Result<localnet::Profile> profile = localnet::profile(args.profile);
  if (!profile) return profile.error();
  options.knobs = profile->knobs;
  options.nike = profile->nike;
  const auto size = localnet::NetworkSize::make(args.replicas, args.couriers);
  if (!size) return size.error();
  options.size = *size;
  if (!args.knobs_file.empty())
    TP_TRY(localnet::load_knobs(options.knobs, options.size, args.knobs_file));
  TP_TRY(localnet::set_knobs(options.knobs, options.size, args.set));
  const Result<localnet::DaemonBehaviour> daemon = localnet::daemon_behaviour(args.daemon);
  if (!daemon) return daemon.error();
  options.daemon = *daemon;
  TP_TRY(localnet::run_localnet(std::move(options)));
  return kDone;
}

Result<int> run_ctl(Context& context, const CtlArgs& args) {
  const Result<std::string> answer = localnet::ctl_request(args.data, args.command, args.arguments);
  if (!answer) return answer.error();
  if (context.out().is_json()) {
    context.out().raw_json(*answer);
    return kDone;
  }
  const Json object = Json::parse(*answer, nullptr, /*allow_exceptions=*/false);
  std::string text = object.dump(2);
  if (object.contains("metrics")) {
    text = object["metrics"].get<std::string>();
    text.pop_back();  // the output ends the line
  }
  context.out().result(args.command, object, text);
  return kDone;
}

}  // namespace

void add_localnet(Commands& commands) {
  CLI::App* command = commands.root.add_subcommand(
      "localnet", "Runs a local network that speaks the daemon's protocol");
  command->fallthrough();
  const auto args = on_chosen<LocalnetArgs>(commands, *command, run_network);
  command->add_option("--listen", args->listen, "unix:PATH, unix:@NAME or tcp:HOST:PORT")
      ->type_name("ADDRESS");
  command->add_flag("--allow-remote", args->allow_remote,
                    "listen on other than loopback addresses, for whoever can connect");
  command->add_option("--data", args->data, "where the network keeps its boxes")->type_name("DIR");
  command
      ->add_option("--write-thin-config", args->write_thin_config,
                   "write a thinclient.toml for this network")
      ->type_name("FILE");
  command
      ->add_option("--profile", args->profile,
                   "a network that was measured: a, b, c; or fast, without limits")
      ->type_name("NAME")
      ->capture_default_str();
  command
      ->add_option("--time-scale", args->time_scale,
                   "seconds of the network that pass in one real second")
      ->type_name("N");
  command
      ->add_option("--replicas", args->replicas,
                   "2 to 64; in a data folder never fewer than before")
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--couriers", args->couriers, "1 to 16")
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--daemon", args->daemon, "how the daemon behaves: robust or upstream")
      ->type_name("NAME")
      ->capture_default_str();
  command->add_option("--knobs", args->knobs_file, "a TOML file of NAME = VALUE (docs/localnet.md)")
      ->type_name("FILE");
  command->add_option("--set", args->set, "a knob; after --knobs, in order")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  CLI::App* ctl = command->add_subcommand("ctl", "Asks a running local network");
  const auto ctl_args = on_chosen<CtlArgs>(commands, *ctl, run_ctl);
  ctl->add_option("--data", ctl_args->data, "the data folder of the network")
      ->required()
      ->type_name("DIR");
  ctl->add_option("COMMAND", ctl_args->command,
                  "audit, metrics, knobs, set, profile, restart-courier, restart-replica, shutdown")
      ->required();
  ctl->add_option("ARGUMENT", ctl_args->arguments, "of the command");
}

}  // namespace taubenpost::cli
