// Taking in the content of a send job: it is read once, front to back, in bounded memory; encoded
// where that pays; and sealed into the spool for the batches that will carry it.
//
// Whether it pays is decided by its beginning, and holds for all of it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>

#include "engine/ports.h"
#include "ports/input.h"

namespace taubenpost {

// The spool of a job while it is written. There is no file before the first whole slice.
class ContentSpool {
 public:
  // `files` outlives this.
  ContentSpool(ports::Files& files, JobId job) : files_(files), job_(job) {}
  Status append(ByteView bytes);
  // Durable when it returns, also if it is empty.
  Status finish();

 private:
  Status write(ByteView slice);

  ports::Files& files_;
  JobId job_;
  Bytes pending_;
  std::unique_ptr<ports::SpoolWriter> writer_;
};

struct TakeOptions {
  bool in_place = false;                // sealed are digests of its slices, not the slices
  bool may_encode = true;               // not what is read in place
  std::uint64_t most = 0;               // bytes
  std::optional<std::uint64_t> size{};  // exactly so many, if that is known
  Error wrong_size;                     // what it means that there are more, or fewer
};

struct TakenContent {
  SendPlan plan{};  // sizes, digests and encoding; the rest is as it was
  Bytes small{};    // all that is to be sent, if that is less than a slice of the spool
  ContentSpool spool;
};

// Errors: options.wrong_size; those of `input`; kDiskFull, kIo of the spool.
boost::asio::awaitable<Result<TakenContent>> take_content(EnginePorts ports, JobId job,
                                                          ports::Input& input, TakeOptions options);

}  // namespace taubenpost
