// RetractJob: drives one retraction from wherever the store says it is to its end (design 4.4).
//
// Letters first, so that nobody finds the transfer any more, then the body, so that nobody who has
// found it can read on. Every step reads the store, does one thing and commits once; "resume" and
// "run" are the same code. A failure that belongs to the retraction is recorded in it and run()
// returns ok; an error means that the engine can't go on.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>

#include "engine/send_shared.h"

namespace taubenpost {

class RetractJob {
 public:
  RetractJob(JobId id, EnginePorts ports, const EngineOptions& options, SendShared& shared)
      : id_(id), ports_(ports), options_(options), shared_(shared) {}

  boost::asio::awaitable<Status> run();

 private:
  boost::asio::awaitable<Status> start(RetractJobRow row);
  boost::asio::awaitable<Status> write(RetractJobRow row);
  boost::asio::awaitable<Status> finish();
  boost::asio::awaitable<Status> give_up(Error reason);

  boost::asio::awaitable<Result<bool>> is_ours(RecipientRow recipient);
  boost::asio::awaitable<Status> write_letters(RetractJobRow row);
  boost::asio::awaitable<Status> write_body(RetractJobRow row);
  boost::asio::awaitable<Result<std::optional<BatchIndex>>> open_batch();
  Result<RetractJobRow> row() const;
  Result<std::uint64_t> enter_sequence(RetractJobRow& row) const;
  Result<std::optional<IndexBytes>> begin_of(const SendJobRow& job, const RetractJobRow& row,
                                             std::uint64_t sequence) const;

  const JobId id_;
  EnginePorts ports_;
  const EngineOptions& options_;
  SendShared& shared_;
};

}  // namespace taubenpost
