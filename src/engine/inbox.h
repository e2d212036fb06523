// The inbox: which transfers become receive jobs by themselves, and what their user decides about
// the others (design 4.3).
//
// A transfer that the rules of its channel keep from becoming a job stays in the inbox with its
// letter; the channel goes on. Its content is fetched by nobody until it is accepted.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>

#include "engine/ports.h"
#include "wire/letter.h"

namespace taubenpost {

// What becomes of the archives that are found.
enum class Archives : std::uint8_t { kKeep, kUnpack };

// How new jobs place what they fetch.
struct PlaceOptions {
  Archives archives = Archives::kKeep;
  IfExists if_exists = IfExists::kRename;
  bool defer = false;  // what is found becomes no job before a later round
  std::string target;  // absolute path of the placed file; empty: its name in the job's folder
  // Absolute path of a program that is run once a file is placed, or empty.
  std::string on_received;
};
// As part of the job.
void place_as(ReceiveJobRow& job, const PlaceOptions& place);

// Of kind kLetter: it becomes a job; else why not.
struct Ruling {
  InboxKind kind = InboxKind::kLetter;
  std::string reason;
};
Ruling ruling_on(const ChannelRules& rules, std::uint64_t size, std::uint64_t pending);
// What is left for a later round whatever the rules.
Ruling left_for_later();

// Receive jobs of a channel that are neither placed nor failed.
Result<std::uint64_t> pending_of(const ports::Store& store, ChannelId channel);

// What a box that announces a transfer says of it; kInvalid for every other box.
struct Announced {
  std::string name;
  std::uint64_t size = 0;  // of the placed file
  std::string note;
};
Result<Announced> announced_in(ByteView box);
Result<Announced> announced_in(const wire::BoxContent& content);

// What the inbox says of a position: its own row, or one of tombstones from before it on.
Result<std::optional<InboxRow>> inbox_over(const ports::Store& store, ChannelId channel,
                                           std::uint64_t counter);

// By what its user names a row, and then the id of the job that fetches it.
JobId entry_id(ChannelId channel, std::uint64_t counter);

// Makes the receive job of a transfer that is held, refused or deferred; it places its file into
// `folder` (absolute). kRefused if the row is of another kind or was discarded, kNotFound,
// kStateConflict (somebody else changed it), store errors.
boost::asio::awaitable<Result<JobId>> accept_entry(EnginePorts ports, ChannelId channel,
                                                   std::uint64_t counter, std::string folder,
                                                   PlaceOptions place);
// Has a receive job go on with the next run, placed into `folder` as `place` says: one that failed
// or was only verified, or one under way that is to be placed elsewhere. What its part file holds
// is used, if that is in `folder` by then. kNothingToDo (it was placed), kRefused (it is being
// placed), kNotFound, kStateConflict, store errors; may_receive_again() tells the first two before.
boost::asio::awaitable<Status> receive_again(EnginePorts ports, JobId job, std::string folder,
                                             PlaceOptions place);
Status may_receive_again(const ReceiveJobRow& row);
// As the job has it now; without the name that was chosen for it.
PlaceOptions placing_of(const ReceiveJobRow& job);

// Drops the content of a row; the row stays, so that a second copy is still told apart. kRefused
// for a letter that has become a job, kNothingToDo if it was discarded, and as above.
boost::asio::awaitable<Status> discard_entry(EnginePorts ports, ChannelId channel,
                                             std::uint64_t counter);

}  // namespace taubenpost
