// The thin client: one connection to the Katzenpost client daemon, kept for as long as it lives.
//
// The client dials, shakes hands, and after any loss dials again with back-off. Reads, writes and
// copies that are running then are started again by the rule of thin-protocol 6.9 (cancelled first
// where the daemon may still have them); local calls are issued again once. Every call ends: with
// an answer, or with an error when its limit has passed. A caller may cancel its coroutine at any
// suspension (Asio per-operation cancellation): a running start is then cancelled at the daemon.
//
// Errors of all calls, besides those named at each:
//   kDaemonGone      no connection, and none came back in time; nothing of the call took effect
//   kOutcomeUnknown  a write or copy was started and nobody knows how it ended: safe to repeat
//   kTemporary       the daemon is not ready (no document, offline), or did not answer a read or a
//                    local call in time
//   kRejected        the daemon refused the request, or a size is wrong (then nothing was sent)
//   kCancelled       the caller's coroutine was cancelled, or the client is closed
//
// One thread: all members, and the executor, belong to it. The client outlives its callers.
// length: it is the whole public face of the library.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "thin/config.h"
#include "thin/events.h"
#include "thin/results.h"

namespace taubenpost::wire {
struct PigeonholeGeometry;
struct SphinxGeometry;
struct DirectoryAuthority;
}  // namespace taubenpost::wire

namespace taubenpost::thin {

// How long one call may take, waiting for a connection included.
using Limit = std::chrono::milliseconds;
// Stands for the default of the call: local calls 60 s, and 10 s more for each envelope that they
// build (thin-protocol 8.6); connect 2 min; starts 30 min.
inline constexpr Limit kDefaultLimit{-1};

// Waits of the connection itself. Defaults are the product's; tests make them short.
struct Timing {
  Limit dial{10'000};
  // Status and document events: the daemon may wait 30 s for a document, for one client after the
  // other.
  Limit greeting{90'000};
  Limit session_reply{10'000};
  // A resumed session that does not answer this fast is given up for a new one (thin-protocol 2.6).
  Limit resume_probe{5'000};
  Limit backoff_min{1'000};
  Limit backoff_max{60'000};
  // A start that is silent for so long is cancelled and started again; 0: ten times the expected
  // round trip of the current document (thin-protocol 6.9).
  Limit restart_silent{0};
};

struct Options {
  DialAddress address;
  Timing timing;
  // Starts at the daemon at one time; the rest wait in the client. The daemon's queue holds 16.
  std::uint32_t starts_max = 16;
};

struct WriteOptions {
  // Success means that a replica stored it, and a taken box is told (kTaken); costs a second packet
  // or more. Otherwise success means that a courier took it.
  bool confirmed = false;
};
struct ReadOptions {
  // Answer kNotFound as soon as a replica says so; otherwise the daemon asks until the box appears.
  bool report_missing = true;
};

// One destination of a builder call. The views must live until the call has returned.
struct Destination {
  ByteView payload;  // 1 to 10,485,760 bytes; all destinations of a call together 16 MiB
  const WriteCap* write_cap = nullptr;
  BoxIndex start{};
};
struct StreamPart {
  bool is_start = false;  // first call of the stream
  bool is_last = false;   // last call of the stream
  ByteView buffer;        // `buffer` of the previous call; empty for the first
};

class Client {
 public:
  // Makes the client and its random session token; nothing is dialled yet.
  Client(boost::asio::any_io_executor executor, Options options);
  // Without close() this looks like a crashed client to the daemon, which keeps the session.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Starts dialling at the first call; returns when the handshake is complete. The client goes on
  // trying after an error.
  boost::asio::awaitable<Status> connect(Limit limit = kDefaultLimit);
  // Says thin_close if there is a connection, and ends. All calls end with kCancelled. Idempotent.
  boost::asio::awaitable<void> close();

  // --- what the connection told; empty before the first handshake ---
  bool is_open() const;       // the handshake is complete and the socket is up
  bool is_connected() const;  // the daemon has a gateway link and a document: a hint
  const wire::PigeonholeGeometry* geometry() const;
  const wire::SphinxGeometry* sphinx_geometry() const;
  std::optional<Bytes16> instance_token() const;  // of the daemon process
  // The newest document, parsed; null if there is none.
  std::shared_ptr<const wire::PkiDocument> document() const;
  // Who offers a capability ("courier", "echo"), in document order; empty without a document.
  std::vector<CourierId> services(const std::string& capability) const;
  // At most `capacity` events wait; ends when the client is closed.
  std::shared_ptr<Subscription> subscribe(std::size_t capacity = 64);

  // --- local calls ---
  boost::asio::awaitable<Result<KeyPair>> new_keypair(const Bytes32& seed,
                                                      Limit limit = kDefaultLimit);
  boost::asio::awaitable<Result<Envelope>> encrypt_read(ReadCap read_cap, BoxIndex index,
                                                        Limit limit = kDefaultLimit);
  // 1 to *Max* bytes; an empty plaintext is refused (kRejected), see encrypt_tombstone().
  boost::asio::awaitable<Result<Envelope>> encrypt_write(ByteView plaintext,
                                                         const WriteCap& write_cap, BoxIndex index,
                                                         Limit limit = kDefaultLimit);
  // The write that deletes a box.
  boost::asio::awaitable<Result<Envelope>> encrypt_tombstone(const WriteCap& write_cap,
                                                             BoxIndex index,
                                                             Limit limit = kDefaultLimit);
  // Elements of a copy stream for one destination, without a buffer between calls.
  boost::asio::awaitable<Result<CopyElements>> create_courier_envelopes_from_payload(
      const Destination& destination, bool is_start, bool is_last, Limit limit = kDefaultLimit);
  boost::asio::awaitable<Result<CopyElements>> create_courier_envelopes_from_multi_payload(
      const std::vector<Destination>& destinations, const StreamPart& part,
      Limit limit = kDefaultLimit);
  // `count` tombstones, 1 to 1,000, from `start` on.
  boost::asio::awaitable<Result<CopyElements>> create_courier_envelopes_from_tombstone_range(
      const WriteCap& write_cap, BoxIndex start, std::uint32_t count, const StreamPart& part,
      Limit limit = kDefaultLimit);
  boost::asio::awaitable<Result<BoxIndex>> next_message_box_index(BoxIndex index,
                                                                  Limit limit = kDefaultLimit);
  boost::asio::awaitable<Result<std::uint64_t>> message_box_index_counter(
      BoxIndex index, Limit limit = kDefaultLimit);
  // The signed document (thin-protocol 7.5) of an epoch, 0: current. kNotFound if not cached.
  boost::asio::awaitable<Result<Bytes>> get_pki_document(std::uint64_t epoch,
                                                         Limit limit = kDefaultLimit);
  // kNotFound if the daemon has none configured.
  boost::asio::awaitable<Result<std::vector<wire::DirectoryAuthority>>> directory_authorities(
      Limit limit = kDefaultLimit);

  // --- mixnet operations: held back while the daemon is offline, one for each envelope hash
  //     (kStateConflict for a second) ---
  boost::asio::awaitable<Result<ResendResult>> start_write(const Envelope& envelope,
                                                           const WriteCap& write_cap,
                                                           WriteOptions options,
                                                           Limit limit = kDefaultLimit);
  // `index` is the one that the envelope was encrypted for.
  boost::asio::awaitable<Result<ResendResult>> start_read(const Envelope& envelope,
                                                          ReadCap read_cap, BoxIndex index,
                                                          ReadOptions options,
                                                          Limit limit = kDefaultLimit);
  // The courier is always pinned, and stays the same through every repetition.
  boost::asio::awaitable<Result<CopyResult>> start_copy(const WriteCap& write_cap,
                                                        CourierId courier,
                                                        Limit limit = kDefaultLimit);
  // Ends the operation, here and at the daemon; its caller gets kCancelled as the result. Succeeds
  // also if there is no such operation. The courier goes on with a copy.
  boost::asio::awaitable<Status> cancel(Bytes32 envelope_hash, Limit limit = kDefaultLimit);
  // `write_cap_hash` is BLAKE2b-256 of the write capability.
  boost::asio::awaitable<Status> cancel_copy(Bytes32 write_cap_hash, Limit limit = kDefaultLimit);

  class Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace taubenpost::thin
