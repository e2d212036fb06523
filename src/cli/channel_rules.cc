#include "cli/channel_rules.h"

#include <CLI/CLI.hpp>

#include "cli/exit_status.h"
#include "engine/channels.h"
#include "engine/receipt_channels.h"
#include "engine/seek_channel.h"

namespace taubenpost::cli {
namespace {

constexpr std::uint64_t kSizeLimitMax = 1ULL << 60;  // a negative number reads as a larger one

struct SetArgs {
  std::string name;
  RulesArgs rules;
  bool no_receipts = false;
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

Result<int> run_set(Context& context, const SetArgs& args) {
  const Result<Session*> session = context.session();
  if (!session) return session.error();
  if (args.rules.empty() && !args.no_receipts)
    return error(Errc::kUsage, "channel set: nothing to set",
                 "give --accept, --max-size, --max-pending or --no-receipts");
  const Result<ChannelRow> before = find_channel((*session)->store(), args.name);
  if (!before) return before.error();
  const ChannelRules rules = args.rules.over(before->rules);
  const Result<Unit> set =
      (*session)->run(set_channel_rules((*session)->ports(), args.name, rules));
  if (!set) return set.error();
  if (args.no_receipts) {
    const Result<Unit> stopped = (*session)->run(stop_receipts((*session)->ports(), args.name));
    if (!stopped) return stopped.error();
  }
  Json fields{{"name", args.name}};
  fields.update(json_of(rules));
  context.out().result("channel_rules", fields, "channel " + printable(args.name) + text_of(rules));
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

Json json_of(const ChannelRules& rules) {
  return {{"accept", name_of(rules.accept)},
          {"max_size", rules.max_size},
          {"max_pending", rules.max_pending}};
}

std::string text_of(const ChannelRules& rules) {
  return "\naccept: " + std::string(name_of(rules.accept)) +
         "\nmax size: " + std::to_string(rules.max_size) +
         "\nmax pending: " + std::to_string(rules.max_pending);
}

void add_channel_set(Commands& commands, CLI::App& channel) {
  CLI::App* command = channel.add_subcommand("set", "Says what an incoming channel takes");
  const auto args = on_chosen<SetArgs>(commands, *command, run_set);
  command->add_option("NAME", args->name, "your name for the channel")->required();
  add_rules_options(*command, args->rules);
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
