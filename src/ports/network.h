// The daemon and the network behind it, as the engine sees them.
//
// Every call ends: each has a deadline of its own in the adapter. A lost connection, a restarted
// daemon and a passed deadline are Outcome::kRetry, never silence. Nothing here remembers a job.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "model/rows.h"

namespace taubenpost::ports {

// What the network is, as told by the connection and the directory document.
struct NetworkView {
  NetworkId id{};
  std::uint64_t box_max = 0;  // *Max*
  std::uint64_t replica_epoch = 0;
  std::vector<CourierRow> couriers;
};

// What uploads wait for, in milliseconds; 0: not known.
struct Costs {
  std::uint64_t packet_ms = 0;      // between two packets of this client
  std::uint64_t encryption_ms = 0;  // of one envelope, by the daemon
};

// One destination of a builder call: a payload of 1 to n chunks for consecutive boxes.
struct Destination {
  ByteView payload;
  ByteView write_cap;  // 168 bytes
  IndexBytes start{};
};

struct BuiltElements {
  std::vector<Bytes> elements;   // complete elements of the copy stream, in order
  Bytes buffer;                  // residue for the next call; empty after the last
  std::vector<IndexBytes> next;  // next index per destination
};

struct KeyPair {
  SecretBytes write_cap;
  Bytes read_cap;
  IndexBytes first{};
};

// How a mixnet operation ended, in the words of the reaction table (design 7).
enum class Outcome : std::uint8_t {
  kOk,           // written, or read
  kNotFound,     // read: nothing there (as far as this replica knows)
  kTombstone,    // read: the box was retracted
  kTaken,        // write, level 2: the box holds something else
  kReencrypt,    // the envelope is stale or damaged: encrypt again from the plaintext
  kRetry,        // transient, lost, or no answer in time: do it again with back-off
  kStorageFull,  // the replicas are full: long back-off
  kUnreadable,   // read: the answer does not verify or decrypt
  kRejected,     // our bug or a hostile peer: fail with context
};

struct WriteResult {
  Outcome outcome = Outcome::kRetry;
  std::string detail;  // code and namespace, for errors
};
struct ReadResult {
  Outcome outcome = Outcome::kRetry;
  Bytes plaintext;
  std::string detail;
};
struct CopyResult {
  enum class Kind : std::uint8_t {
    kSucceeded,
    kFailed,      // the courier gave up: replica_code, failed_envelope
    kNoAnswer,    // cancelled by the caller's deadline, lost, or restarted: ask again
    kNotStarted,  // the courier is unknown to the daemon, or the daemon is not ready
    kRejected,    // our bug
  };
  Kind kind = Kind::kNoAnswer;
  std::uint8_t replica_code = 0;      // replica namespace; 0: the courier itself
  std::uint64_t failed_envelope = 0;  // 1-based; 0: never started
};

enum class WriteLevel : std::uint8_t {
  kAcknowledged = 1,  // a courier took it (one packet)
  kConfirmed = 2,     // a replica stored it; kTaken is told
};

class Network {
 public:
  virtual ~Network() = default;

  // Waits for a connection with a geometry and a document; kDaemonGone after `limit_ms`.
  virtual boost::asio::awaitable<Result<NetworkView>> view(std::uint64_t limit_ms) = 0;

  // May ask the daemon for an encryption that is of no use. Errors as view() has them.
  virtual boost::asio::awaitable<Result<Costs>> costs() = 0;

  // Local calls. Errors: kDaemonGone, kTemporary (the daemon is not ready), kRejected.
  virtual boost::asio::awaitable<Result<KeyPair>> new_keypair(Bytes32 seed) = 0;
  virtual boost::asio::awaitable<Result<BuiltElements>> build(std::vector<Destination> destinations,
                                                              Bytes buffer, bool is_start,
                                                              bool is_last) = 0;
  // The same for `count` tombstones, at least one, from `start` on.
  virtual boost::asio::awaitable<Result<BuiltElements>> build_tombstones(
      SecretBytes write_cap, IndexBytes start, std::uint32_t count, Bytes buffer, bool is_start,
      bool is_last) = 0;

  // Encrypts and starts one write; an empty plaintext is never sent (that would be a tombstone).
  virtual boost::asio::awaitable<WriteResult> write(SecretBytes write_cap, IndexBytes index,
                                                    Bytes plaintext, WriteLevel level) = 0;
  // Deletes one box for good; kOk: a replica has the tombstone.
  virtual boost::asio::awaitable<WriteResult> tombstone(SecretBytes write_cap,
                                                        IndexBytes index) = 0;
  // A fresh read with no_retry_on_box_id_not_found.
  virtual boost::asio::awaitable<ReadResult> read(Bytes read_cap, IndexBytes index) = 0;
  // Issues a pinned copy command and waits at most `wait_ms` for the verdict; then the daemon's
  // polling is cancelled (the courier goes on) and the result is kNoAnswer.
  virtual boost::asio::awaitable<CopyResult> copy(SecretBytes write_cap, CourierRow courier,
                                                  std::uint64_t wait_ms) = 0;
};

}  // namespace taubenpost::ports
