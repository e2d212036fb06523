// What an incoming channel takes by itself, and where the service places it: options of 'channel
// import' and 'channel set', and how 'channel show' tells it.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "cli/command.h"
#include "cli/output.h"
#include "model/rows.h"

namespace taubenpost::cli {

struct RulesArgs {
  std::optional<std::string> accept;
  std::optional<std::uint64_t> max_size;
  std::optional<std::uint32_t> max_pending;

  bool empty() const { return !accept && !max_size && !max_pending; }
  // `rules` with what was given.
  ChannelRules over(ChannelRules rules) const;
};

// --accept, --max-size, --max-pending.
void add_rules_options(CLI::App& command, RulesArgs& args);
// Of an incoming channel.
Json rules_json(const ChannelRow& channel);
// One field a line, each after a line feed.
std::string rules_text(const ChannelRow& channel);

// channel set, channel seek.
void add_channel_set(Commands& commands, CLI::App& channel);
void add_channel_seek(Commands& commands, CLI::App& channel);

}  // namespace taubenpost::cli
