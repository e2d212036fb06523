// BodyFetch: reads the boxes of one body into a part file, a window of them at a time.
//
// A chunk is marked in the job's row only after the part file was synced; a restart reads again
// what was not marked. Memory is bounded by the window, whatever the size of the body.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/ports.h"
#include "engine/task_group.h"

namespace taubenpost {

// What the letter says about the body.
struct BodyShape {
  ReadCapBytes read_cap{};
  ByteSize size;
  ByteSize chunk;    // bytes per box, the last may be shorter
  ChunkCount boxes;  // chunks_for(size, chunk), at least 1
};

class BodyFetch {
 public:
  // `row` is in state kFetching. `part` and `options` outlive this.
  BodyFetch(const ReceiveJobRow& row, const BodyShape& shape, EnginePorts ports,
            const EngineOptions& options, ports::PartFile& part,
            boost::asio::any_io_executor executor);

  // Ok: every chunk is in the part file and marked. kRejected: the transfer can't be had (the text
  // says why). kDaemonGone, kStateConflict, store errors; file errors with file_failed() true.
  boost::asio::awaitable<Status> run();
  bool file_failed() const { return file_failed_; }

 private:
  bool may_start() const;
  Status start_next();
  boost::asio::awaitable<void> fetch_chunk(ChunkIndex chunk, IndexBytes index);
  Status take(ChunkIndex chunk, const ports::ReadResult& read);
  boost::asio::awaitable<Status> mark();

  const JobId job_;
  const BodyShape shape_;
  EnginePorts ports_;
  const EngineOptions& options_;
  ports::PartFile& part_;

  ChunkIndex next_;                      // the next chunk to look at
  IndexBytes next_index_;                // its position in the body
  std::uint64_t prefix_;                 // as in the row
  std::vector<std::uint64_t> beyond_;    // as in the row
  std::vector<std::uint64_t> unmarked_;  // written, not yet synced
  std::optional<Error> failure_;         // the first one; children stop when they see it
  bool file_failed_ = false;
  TaskGroup readers_;  // last: nothing that its children use dies before it
};

}  // namespace taubenpost
