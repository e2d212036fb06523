// Resend operations: what the daemon does until a courier has given a final answer
// (thin-protocol 6.1 to 6.5).
//
// One packet at most is under way per operation. A packet without an answer is sent again; an
// answer that settles nothing is followed by another packet, in the next free slot. Without a slot
// clock nothing paces these, so they wait for a time of their own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "localnet/context.h"
#include "wire/pki.h"

namespace taubenpost::localnet {

struct OperationResult {
  std::uint8_t error_code = 0;        // as in the reply; mixed code space (thin-protocol 5.3)
  std::optional<Bytes> plaintext;     // of a successful read
  std::uint8_t replica_code = 0;      // of a failed copy
  std::uint64_t failed_envelope = 0;  // of a failed copy
};

class Operation : public std::enable_shared_from_this<Operation> {
 public:
  using Done = std::function<void(OperationResult)>;

  // `courier` is kept for the whole operation. `done` is called once, on the scheduler, not from
  // start(); never after the operation was dropped.
  Operation(const Context& context, SlotClock::LinePtr line, std::size_t courier, Bytes query,
            Done done);
  virtual ~Operation();
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  void start();
  std::size_t courier() const { return courier_; }

 protected:
  // Judges one answer: calls finish(), send_after() or poll_soon().
  virtual void take(const bacap::CourierQueryReply& reply) = 0;

  void finish(OperationResult result);
  void send_after(Milliseconds delay);
  // The next packet of a poll: in the next slot; without slots soon at first, then less and less
  // often.
  void poll_soon();
  // The next look for a missing box: in the next slot, without slots after a while.
  void look_again();
  const Context& context() const { return context_; }

 private:
  void send(Turn turn);
  void send_now();
  void take_bytes(std::uint64_t transmission, const Bytes& reply);
  void arm(Milliseconds delay, bool is_retransmission);

  const Context& context_;
  const SlotClock::LinePtr line_;
  const std::size_t courier_;
  std::shared_ptr<const Bytes> query_;
  Done done_;
  Scheduler::Timer timer_ = 0;
  std::uint64_t transmission_ = 0;  // answers to earlier ones are void
  unsigned polls_ = 0;
};

// A read, write or tombstone.
class EncryptedOperation final : public Operation {
 public:
  struct Read {
    bacap::ReadCap cap;
    std::optional<Bytes> index;  // as it came; without one nothing is checked (thin-protocol 3.5)
  };
  struct Plan {
    std::optional<Read> read;  // else it is a write
    wire::EnvelopeDescriptor descriptor;
    bool retry_not_found = true;  // reads: a missing box is waited for
    bool confirm = false;         // writes: a replica must answer; a taken box is an error
  };

  EncryptedOperation(const Context& context, SlotClock::LinePtr line, std::size_t courier,
                     Bytes query, Plan plan, Done done);

 private:
  void take(const bacap::CourierQueryReply& reply) override;
  void evaluate(const Bytes& payload);
  void evaluate_read(bacap::ReplicaReadReply reply);
  void evaluate_unchecked(const bacap::ReplicaReadReply& reply);
  void evaluate_write(bacap::ReplicaCode code);
  std::optional<Bytes> open_payload(const Bytes& payload) const;

  Plan plan_;
};

// A copy command, polled until the courier has a verdict.
class CopyOperation final : public Operation {
 public:
  CopyOperation(const Context& context, SlotClock::LinePtr line, std::size_t courier,
                ByteView write_cap, Done done);

 private:
  void take(const bacap::CourierQueryReply& reply) override;
};

}  // namespace taubenpost::localnet
