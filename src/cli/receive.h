// taubenpost receive in its forms: one round, one transfer into one place, or without an end.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/on_received.h"
#include "cli/output.h"
#include "cli/place_options.h"
#include "engine/poll.h"

namespace taubenpost::cli {

struct ReceiveArgs {
  std::string id;  // with `output`
  std::string from;
  std::string output;  // a file, "-" for standard output, or empty
  std::string on_received;
  OnReceivedArgs reports;
  bool verify_only = false;
  bool follow = false;
  PlaceArgs place;

  // kUsage if `on_received` can't be run.
  Result<PlaceOptions> options() const;
};

// A channel to poll, and where what it brings is placed.
struct Inlet {
  ChannelId channel{};
  std::string folder;
  PlaceOptions place;
};

// What polls and places: where to, and from where.
struct Receiving {
  Session* session;
  std::vector<ChannelRow> channels;
  std::string folder;
  PlaceOptions place;
  std::vector<Inlet> inlets;  // of the channels: as each is delivered, unless something was given
};
// Looks at the arguments, opens the store and shows progress from here on. Errors of all three.
Result<Receiving> begin_receiving(Context& context, const ReceiveArgs& args);

struct Round {
  PollSummary found;               // of all channels
  std::optional<Error> no_answer;  // of some channel: the others went on
};

// All incoming ones, or the one that is called `from`. kNotFound if there is nothing to poll, not
// even for receipts.
Result<std::vector<ChannelRow>> channels_to_poll(const ports::Store& store,
                                                 const std::string& from);
boost::asio::awaitable<Result<Round>> poll_all(EnginePorts ports, std::vector<Inlet> inlets);
// What was only verified so far is placed as this command says.
boost::asio::awaitable<Status> take_verified(EnginePorts ports, std::vector<Inlet> inlets);
// kNothingToDo, for a run that has placed nothing.
Error nothing_new(const PollSummary& found);
// Of a channel whose delivery has none, on stderr.
void notice_no_folder(Output& out, const ChannelRow& channel);
// Counts, on stderr.
void notice_what_is_no_job(Output& out, const PollSummary& found);

// Where transfers are until all of them is written to standard output, and how their files there,
// and those of their jobs, begin.
inline constexpr std::string_view kOutputPrefix = ".taubenpost-";
std::string output_folder(const std::string& state_dir);
std::string output_prefix(const JobId& job);

// -o: one transfer, which must be the only one or be named.
Result<int> receive_into(Context& context, const ReceiveArgs& args);
// --follow
Result<int> receive_and_follow(Context& context, const ReceiveArgs& args);

}  // namespace taubenpost::cli
