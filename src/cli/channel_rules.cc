#include "cli/channel_rules.h"

#include <CLI/CLI.hpp>

#include "app/child_process.h"
#include "app/state_dir.h"
#include "cli/exit_status.h"
#include "cli/jobs.h"
#include "cli/place_options.h"
#include "engine/channels.h"
#include "engine/deliver.h"
#include "engine/receipt_channels.h"
#include "engine/seek_channel.h"

namespace taubenpost::cli {
namespace {

constexpr std::size_t kPathShown = 4096;
constexpr std::uint64_t kSizeLimitMax = 1ULL << 60;  // a negative number reads as a larger one

struct SetArgs {
  std::string name;
  RulesArgs rules;
  PlaceArgs place;
  std::string on_received;
  bool no_into = false;
  bool no_receipts = false;

  bool empty() const { return rules.empty() && place.into.empty() && !no_into && !no_receipts; }
  // Nothing if it stays. kUsage, kNotFound.
  Result<std::optional<ChannelDelivery>> delivery() const;
};
struct SeekArgs {
  std::string name;
  std::uint64_t position = 0;
};

std::string_view name_of(Accept accept) {
  switch (accept) {
    case Accept::kAuto:
      return "auto";
    case Accept::kAsk:
      return "ask";
    case Accept::kNever:
      return "never";
  }
  return "?";
}

Result<std::optional<ChannelDelivery>> SetArgs::delivery() const {
  if (no_into) return std::optional(ChannelDelivery{});
  if (place.into.empty()) return std::optional<ChannelDelivery>();
  const Result<std::string> folder = place.folder();
  if (!folder) return folder.error();
  const PlaceOptions options = place.options();
  ChannelDelivery delivery;
  delivery.folder = *folder;
  delivery.unpack = options.archives == Archives::kUnpack;
  delivery.if_exists = options.if_exists;
  if (!on_received.empty()) {
    delivery.on_received = absolute_path(on_received);
    TP_TRY(can_be_run(delivery.on_received));
  }
  return std::optional(std::move(delivery));
}

Result<int> run_set(Context& context, const SetArgs& args) {
  const Result<Session*> session = context.session();
  if (!session) return session.error();
  if (args.empty())
    return error(Errc::kUsage, "channel set: nothing to set",
                 "give --accept, --max-size, --max-pending, --into, --no-into or --no-receipts");
  Result<std::optional<ChannelDelivery>> delivery = args.delivery();
  if (!delivery) return delivery.error();
  const Result<ChannelRow> before = find_channel((*session)->store(), args.name);
  if (!before) return before.error();
  const ChannelRules rules = args.rules.over(before->rules);
  const Result<Unit> set = (*session)->run(
      set_channel_rules((*session)->ports(), args.name, rules, std::move(delivery).value()));
  if (!set) return set.error();
  if (args.no_receipts) {
    const Result<Unit> stopped = (*session)->run(stop_receipts((*session)->ports(), args.name));
    if (!stopped) return stopped.error();
  }
  Json fields{{"name", args.name}};
  const Result<ChannelRow> channel = find_channel((*session)->store(), args.name);
  if (!channel) return channel.error();
  fields.update(rules_json(*channel));
  context.out().result("channel_rules", fields,
                       "channel " + printable(args.name) + rules_text(*channel));
  return kDone;
}

Result<int> run_seek(Context& context, const SeekArgs& args) {
  const Result<Session*> session = context.session();
  if (!session) return session.error();
  const Result<SeekSummary> sought =
      (*session)->run(seek_channel((*session)->ports(), args.name, args.position));
  if (!sought) return sought.error();
  context.out().result(
      "seek", {{"name", args.name}, {"position", sought->position}, {"skipped", sought->skipped}},
      "channel " + printable(args.name) + ": goes on at position " +
          std::to_string(sought->position) +
          (sought->skipped > 0 ? ", " + std::to_string(sought->skipped) + " were skipped" : ""));
  return kDone;
}

}  // namespace

ChannelRules RulesArgs::over(ChannelRules rules) const {
  if (accept)
    rules.accept = *accept == "ask"     ? Accept::kAsk
                   : *accept == "never" ? Accept::kNever
                                        : Accept::kAuto;
  if (max_size) rules.max_size = *max_size;
  if (max_pending) rules.max_pending = *max_pending;
  return rules;
}

void add_rules_options(CLI::App& command, RulesArgs& args) {
  command
      .add_option("--accept", args.accept,
                  "transfers become receive jobs by themselves, wait in the inbox, or are refused")
      ->check(CLI::IsMember({"auto", "ask", "never"}))
      ->type_name("auto|ask|never");
  command
      .add_option("--max-size", args.max_size,
                  "larger transfers are refused; bytes, or as 200MiB (default: 1 GiB)")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false))
      ->check(CLI::Range(std::uint64_t{0}, kSizeLimitMax))
      ->type_name("SIZE");
  command
      .add_option("--max-pending", args.max_pending,
                  "unfinished transfers at a time; further ones wait (default: 100)")
      ->check(CLI::Range(1U, 1'000'000U))
      ->type_name("N");
}

Json rules_json(const ChannelRow& channel) {
  const ChannelDelivery& delivery = channel.delivery;
  const bool is_delivered = has_delivery(channel);
  return {
      {"accept", name_of(channel.rules.accept)},
      {"max_size", channel.rules.max_size},
      {"max_pending", channel.rules.max_pending},
      {"into", is_delivered ? Json(delivery.folder) : Json(nullptr)},
      {"unpack", delivery.unpack},
      {"if_exists", name_of(delivery.if_exists)},
      {"on_received", delivery.on_received.empty() ? Json(nullptr) : Json(delivery.on_received)}};
}

std::string rules_text(const ChannelRow& channel) {
  std::string text = "\naccept: " + std::string(name_of(channel.rules.accept)) +
                     "\nmax size: " + std::to_string(channel.rules.max_size) +
                     "\nmax pending: " + std::to_string(channel.rules.max_pending);
  const ChannelDelivery& delivery = channel.delivery;
  if (!has_delivery(channel)) return text;
  text += "\ninto: " + printable(delivery.folder, kPathShown);
  if (delivery.unpack) text += ", unpacked";
  text += "\nif exists: " + std::string(name_of(delivery.if_exists));
  if (!delivery.on_received.empty())
    text += "\non received: " + printable(delivery.on_received, kPathShown);
  return text;
}

void add_channel_set(Commands& commands, CLI::App& channel) {
  CLI::App* command = channel.add_subcommand("set", "Says what an incoming channel takes");
  const auto args = on_chosen<SetArgs>(commands, *command, run_set);
  command->add_option("NAME", args->name, "your name for the channel")->required();
  add_rules_options(*command, args->rules);
  CLI::Option* into =
      command->add_option("--into", args->place.into, "where 'serve' places what arrives in it")
          ->check(names_something())
          ->type_name("DIR");
  command->add_flag("--unpack", args->place.unpack, "make folders of the archives that arrive")
      ->needs(into);
  command
      ->add_option("--if-exists", args->place.if_exists, "where a name is taken, as of 'receive'")
      ->check(CLI::IsMember({"rename", "fail", "replace"}))
      ->type_name("rename|fail|replace")
      ->needs(into);
  command
      ->add_option("--on-received", args->on_received,
                   "a program that is run for each placed file, with its path as argument")
      ->check(names_something())
      ->type_name("COMMAND")
      ->needs(into);
  command->add_flag("--no-into", args->no_into, "'serve' leaves the channel alone")->excludes(into);
  command->add_flag("--no-receipts", args->no_receipts,
                    "send no receipts for what is received from now on");
}

void add_channel_seek(Commands& commands, CLI::App& channel) {
  CLI::App* command =
      channel.add_subcommand("seek", "Has an incoming channel read on at another position");
  const auto args = on_chosen<SeekArgs>(commands, *command, run_seek);
  command->add_option("NAME", args->name, "your name for the channel")->required();
  command->add_option("POSITION", args->position, "as 'channel show' prints it")->required();
}

}  // namespace taubenpost::cli
