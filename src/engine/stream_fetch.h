// StreamFetch: reads a pigeonhole-cp stream from the boxes of its channel into a part file.
//
// A stream has no list of its boxes: each box may have any length, and where the next one's bytes
// belong is known when all before it are there. So boxes are read some ahead and taken in order,
// never beyond the one that must be the last. What was taken is marked in the job's row after the
// part file was synced, and the channel's next position moves along in the same commit.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <deque>
#include <optional>

#include "engine/ports.h"
#include "engine/task_group.h"

namespace taubenpost {

struct StreamShape {
  Bytes read_cap;             // of the channel
  Bytes head;                 // content in the header's box
  std::uint64_t size = 0;     // of the whole content
  std::uint64_t box_max = 0;  // no box has more
};

class StreamFetch {
 public:
  // `row` is in state kFetching. `part` and `options` outlive this.
  StreamFetch(const ReceiveJobRow& row, StreamShape shape, EnginePorts ports,
              const EngineOptions& options, ports::PartFile& part,
              boost::asio::any_io_executor executor);

  // Ok: every byte is in the part file and marked, or the next box is not there yet and waits() is
  // true. kRejected: the stream can't be had (the text says why). kDaemonGone, kStateConflict,
  // store errors; file errors with file_failed() true.
  boost::asio::awaitable<Status> run();
  bool waits() const { return waits_; }
  bool file_failed() const { return file_failed_; }

 private:
  struct Box {
    IndexBytes following{};
    std::optional<Result<ports::ReadResult>> answer;
  };

  bool has_ended() const { return failure_ || waits_ || offset_ == shape_.size; }
  bool may_start() const;
  Status start_next();
  boost::asio::awaitable<void> read_box(Box& box, IndexBytes index);
  Status take(const Box& box);
  Status write(ByteView bytes);
  boost::asio::awaitable<Status> mark();

  const JobId job_;
  const StreamShape shape_;
  EnginePorts ports_;
  const EngineOptions& options_;
  ports::PartFile& part_;

  std::uint64_t offset_;      // bytes written
  IndexBytes position_;       // of the box that goes on there
  IndexBytes ahead_index_;    // of the next box to read
  std::deque<Box> ahead_;     // being read, from `position_` on
  std::size_t unmarked_ = 0;  // boxes taken, not yet synced
  bool is_dirty_ = false;     // written, not yet marked
  bool waits_ = false;
  bool file_failed_ = false;
  std::optional<Error> failure_;  // the first one
  TaskGroup readers_;             // last: nothing that its children use dies before it
};

// In the commit that ends a receive job: its channel goes on behind what was read.
Status release_channel(ports::Transaction& step, const ports::Store& store,
                       const ReceiveJobRow& job);

}  // namespace taubenpost
