// ReceiveJob: drives one receive job from wherever the store says it is to its end (design 4.3).
//
// Every step reads the store, does one thing and commits once; "resume" and "run" are the same
// code. A file is seen at its target whole and verified, or not at all.
//
// A failure that belongs to the transfer (retracted, missing, other bytes than promised) is
// recorded in the job, and run() returns ok. So does it when the target folder can't take the file
// (missing, no space, not writable), and when the next box of a stream is not there yet: the job
// stays as it is for a later run, with a line in its journal. An error means that the engine can't
// go on (no daemon, the store).
//
// Where only its place keeps a whole file from being placed (a name that is taken, or that a newer
// file has), the job fails too, but its part file stays for another try (inbox.h).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/incoming.h"
#include "engine/ports.h"

namespace taubenpost {

// What a run is to reach; another one may have another goal, also after a crash.
struct ReceiveGoal {
  bool only_verify = false;  // to have it checked: nothing is placed
};

// The path that the file gets if nothing has it yet.
std::string wanted_path(const ReceiveJobRow& row);

class ReceiveJob {
 public:
  // `options` outlives this. `may_place` is asked before the file is placed; empty: it may.
  ReceiveJob(JobId id, EnginePorts ports, const EngineOptions& options, ReceiveGoal goal = {},
             std::function<bool()> may_place = {})
      : id_(id), ports_(ports), options_(options), goal_(goal), may_place_(std::move(may_place)) {}

  boost::asio::awaitable<Status> run();
  // Why this run could not go on, or empty.
  std::string waits_for() const { return waits_for_.value_or(""); }
  // It was not to be placed yet.
  bool is_out_of_turn() const { return is_out_of_turn_; }

 private:
  boost::asio::awaitable<Status> start(ReceiveJobRow row);
  boost::asio::awaitable<Status> fetch(ReceiveJobRow row);
  boost::asio::awaitable<Status> fetch_stream(ReceiveJobRow row, Bytes head, std::uint64_t size,
                                              ports::PartFile& part);
  boost::asio::awaitable<Status> end_fetch(std::string folder, std::uint64_t size);
  Status wait_for_stream(const ReceiveJobRow& row);
  boost::asio::awaitable<Status> fetch_again(ReceiveJobRow row, IndexBytes first);
  boost::asio::awaitable<Status> check(ReceiveJobRow row);
  boost::asio::awaitable<Status> unpack(ReceiveJobRow& row, const Incoming& incoming);
  boost::asio::awaitable<Status> place(ReceiveJobRow row);
  boost::asio::awaitable<Status> give_up(Error reason);
  Status hide_part();
  boost::asio::awaitable<Status> record_failure(Error reason);
  boost::asio::awaitable<Status> leave_for_later();

  boost::asio::awaitable<Status> move(ReceiveJobRow row, ReceiveEvent event);
  boost::asio::awaitable<Status> verify(std::string folder, Incoming incoming);
  boost::asio::awaitable<Status> decode(std::string folder, Fingerprint expected);
  boost::asio::awaitable<Result<Fingerprint>> measure(ports::PartFile& part, std::uint64_t limit);
  // For so many bytes beside the reserve; if not, that is an error of the target folder.
  Status has_space(const std::string& folder, std::uint64_t size);
  // An error of the target folder, or of a place in it: remembered as such, and passed on.
  Error folder_failed(Error failure);
  Error kept_out(std::string why);
  // kRejected where a newer file of the channel has the path.
  Status is_newest(const ReceiveJobRow& row, const std::string& target);

  const JobId id_;
  EnginePorts ports_;
  const EngineOptions& options_;
  const ReceiveGoal goal_;
  const std::function<bool()> may_place_;
  bool is_out_of_turn_ = false;
  bool is_kept_out_ = false;              // by its place, whatever the file is
  std::optional<std::string> waits_for_;  // why this run can't go on with the job
};

}  // namespace taubenpost
