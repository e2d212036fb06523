// One execution of a copy command by a courier (pigeonhole 6.6).
//
// Reads the temporary boxes in order from their shards and dispatches each envelope as soon as it
// is complete; the first failure ends the job and nothing is rolled back. One box or one envelope a
// step, each on the scheduler, so that a long copy leaves the daemon responsive. What becomes of
// the temporary sequence is the courier's matter (temp_cleanup.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "bacap/geometry.h"
#include "localnet/replica_port.h"
#include "localnet/scheduler.h"

namespace taubenpost::localnet {

// How much one execution reads and writes; looked at before each box.
struct CopyLimits {
  std::uint64_t boxes = 65'536;
  std::uint64_t envelopes = 65'536;
};
inline constexpr int kCopyAttemptsMax = 10;  // per shard, and per envelope
inline constexpr Milliseconds kCopyReplyTimeout{60'000};

// Pause after the k-th attempt, k from 1: 0.5, 1, 2, 4, 8, then always 10 s.
Milliseconds copy_backoff(int attempts_made);

struct CopyOutcome {
  bool succeeded = false;
  std::uint8_t code = 0;              // replica code; 0: the courier itself, or transport
  std::uint64_t failed_envelope = 0;  // 1-based; 0: never started
  std::uint64_t boxes = 0;            // of the temporary sequence, read so far
};

class CopyJob : public std::enable_shared_from_this<CopyJob> {
 public:
  using Done = std::function<void(CopyOutcome)>;

  // `write_cap` are the bytes of the command. Scheduler and port outlive the job. `done` is called
  // once, on the scheduler; never if the job is dropped before.
  CopyJob(Scheduler& scheduler, ReplicaPort& replicas, const bacap::Geometry& geometry,
          ByteView write_cap, Done done, CopyLimits limits = {});
  ~CopyJob();
  void start();

 private:
  struct Stream;  // where in the temporary sequence we are, and what was decoded
  using Step = void (CopyJob::*)();

  void begin();
  void next_box();
  void read_box();
  void on_read(std::optional<ReplicaStore::ReadResult> answer);
  void read_again();
  void next_shard();
  void take_box(const Box& box);
  void next_envelope();
  void dispatch();
  void on_reply(ReplicaCode code);
  void judge_replies();
  void dispatch_again();
  void fail(std::uint8_t code);
  void finish(CopyOutcome outcome);

  // Waiting: at most one timer runs. A new attempt makes answers to older ones void.
  void post(Step step);
  void wait(Milliseconds delay, Step step);
  std::uint64_t new_attempt();

  Scheduler& scheduler_;
  ReplicaPort& replicas_;
  const bacap::Geometry geometry_;
  const CopyLimits limits_;
  SecretBytes command_;
  Done done_;
  std::unique_ptr<Stream> stream_;
  std::uint64_t boxes_read_ = 0;
  std::uint64_t applied_ = 0;  // envelopes known to be written
  std::uint64_t attempt_ = 0;  // which answers still count
  int attempts_made_ = 0;      // at this shard, or for this envelope
  Scheduler::Timer timer_ = 0;
  std::vector<ReplicaId> shards_;
  std::size_t shard_ = 0;
  ReplicaCode last_code_ = ReplicaCode::kSuccess;  // of the reads of this box
  std::vector<ReplicaCode> replies_;               // of this dispatch, in order of arrival
};

}  // namespace taubenpost::localnet
