// SendJob: drives one send job from wherever the store says it is to its end (design 4.1).
//
// Every step reads the store, does one thing and commits once; "resume" and "run" are the same
// code. A failure that belongs to the job is recorded in the job and run() returns ok; an error
// means that the engine can't go on (no daemon, the store, the disk) and the job stays as it is.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>

#include "engine/job_queue.h"
#include "engine/send_shared.h"

namespace taubenpost {

class SendJob {
 public:
  SendJob(JobQueue::Turn turn, EnginePorts ports, const EngineOptions& options, SendShared& shared)
      : id_(turn.id), lane_(turn.lane), ports_(ports), options_(options), shared_(shared) {}

  // Also returns when the job is paused, or goes on in another lane.
  boost::asio::awaitable<Status> run();

 private:
  bool is_overtaken(const SendJobRow& before, const Error& failure) const;
  boost::asio::awaitable<Status> start(SendJobRow row);
  boost::asio::awaitable<Status> prepare(SendJobRow row);
  boost::asio::awaitable<Status> upload(SendJobRow row);
  boost::asio::awaitable<Status> decide(SendJobRow row);
  boost::asio::awaitable<Status> post(SendJobRow row);
  boost::asio::awaitable<Status> finish(SendJobRow row);
  boost::asio::awaitable<Status> give_up(Error reason);

  boost::asio::awaitable<Status> upload_batches();
  boost::asio::awaitable<Result<std::optional<BatchIndex>>> open_batch();

  const JobId id_;
  const Lane lane_;
  EnginePorts ports_;
  const EngineOptions& options_;
  SendShared& shared_;
};

}  // namespace taubenpost
