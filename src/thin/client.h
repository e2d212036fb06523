// The thin client: one connection to the Katzenpost client daemon, kept for as long as it lives.
//
// The client dials, shakes hands, and after any loss dials again with back-off. Reads, writes and
// copies that are running then are started again by the rule of thin-protocol 6.9 (cancelled first
// where the daemon may still have them); local calls are issued again once; messages are never sent
// twice. Every call ends: with an answer, or with an error when its limit has passed. A caller may
// cancel its coroutine at any suspension (Asio per-operation cancellation): a running start is then
// cancelled at the daemon.
//
// Errors of all calls, besides those named at each:
//   kDaemonGone      no connection, and none came back in time; nothing of the call took effect
//   kOutcomeUnknown  a write, copy or message was started and nobody knows how it ended
//   kTemporary       the daemon is not ready (no document, offline), or did not answer a read or a
//                    local call in time
//   kRejected        the daemon refused the request, or a size is wrong (then nothing was sent)
//   kCancelled       the caller's coroutine was cancelled, or the client is closed
// Where the daemon answered with a code, Error::peer_code holds it: wire::thin_code() names it.
//
// One thread: all members, and the executor, belong to it. The client outlives its callers.
// Programs without coroutines use BlockingClient.
// length: it is the whole public face of the library.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "thin/document.h"
#include "thin/options.h"
#include "thin/results.h"
#include "thin/subscription.h"

namespace taubenpost::wire {
struct PigeonholeGeometry;
struct SphinxGeometry;
struct DirectoryAuthority;
}  // namespace taubenpost::wire

namespace taubenpost::thin {

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
  // The newest document; null if there is none.
  DocumentPtr document() const;
  // Who offers a capability ("courier", "echo"), in document order; empty without a document.
  std::vector<ServiceId> services(std::string_view capability) const;
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
  // The writes that delete `count` boxes, 1 to 1,000, from `start` on, built one by one.
  boost::asio::awaitable<Result<TombstoneRange>> tombstone_range(const WriteCap& write_cap,
                                                                 BoxIndex start,
                                                                 std::uint32_t count,
                                                                 Limit limit = kDefaultLimit);
  // Elements of a copy stream for one destination, without a buffer between calls.
  boost::asio::awaitable<Result<CopyElements>> create_courier_envelopes_from_payload(
      const Destination& destination, bool is_start, bool is_last, Limit limit = kDefaultLimit);
  boost::asio::awaitable<Result<CopyElements>> create_courier_envelopes_from_multi_payload(
      const std::vector<Destination>& destinations, const StreamPart& part,
      Limit limit = kDefaultLimit);
  // Elements that write `count` tombstones, 1 to 1,000, from `start` on.
  boost::asio::awaitable<Result<CopyElements>> create_courier_envelopes_from_tombstone_range(
      const WriteCap& write_cap, BoxIndex start, std::uint32_t count, const StreamPart& part,
      Limit limit = kDefaultLimit);
  boost::asio::awaitable<Result<BoxIndex>> next_message_box_index(BoxIndex index,
                                                                  Limit limit = kDefaultLimit);
  boost::asio::awaitable<Result<std::uint64_t>> message_box_index_counter(
      BoxIndex index, Limit limit = kDefaultLimit);
  // The document of an epoch, 0: the current one or the one before. kNotFound if not cached.
  boost::asio::awaitable<Result<SignedDocument>> get_pki_document(std::uint64_t epoch,
                                                                  Limit limit = kDefaultLimit);
  // kNotFound if the daemon has none configured.
  boost::asio::awaitable<Result<std::vector<wire::DirectoryAuthority>>> directory_authorities(
      Limit limit = kDefaultLimit);

  // --- contact vouchers: local calls too (thin-protocol 3.16 to 3.19) ---
  boost::asio::awaitable<Result<MintedVoucher>> voucher_mint(const WriteCap& message_write_cap,
                                                             std::string display_name,
                                                             Limit limit = kDefaultLimit);
  // `payload` is what box 0 of the voucher's stream holds. kRejected with code 28 if it is not this
  // voucher's, 29 if its signature is wrong.
  boost::asio::awaitable<Result<InductedVoucher>> voucher_induct(Bytes32 voucher, ByteView payload,
                                                                 ByteView who_reply,
                                                                 Limit limit = kDefaultLimit);
  // `sealed_reply` is what box 1 holds. kRejected with code 30 if it does not open.
  boost::asio::awaitable<Result<OpenedVoucher>> voucher_open(const SecretBytes& secret_key,
                                                             ByteView sealed_reply,
                                                             const WriteCap& message_write_cap,
                                                             Limit limit = kDefaultLimit);
  boost::asio::awaitable<Result<KeyPair>> voucher_derive_stream(Bytes32 voucher,
                                                                Limit limit = kDefaultLimit);

  // --- messages: now or an error, kTemporary while the daemon is offline; always with a reply
  //     block (thin-protocol 8.13) ---
  // Returns when the daemon has written the message to its gateway; the reply comes as a
  // MessageReplyEvent. `payload` has at most UserForwardPayloadLength bytes (sphinx_geometry()).
  boost::asio::awaitable<Result<MessageSent>> send_message(ServiceId to, ByteView payload,
                                                           Limit limit = kDefaultLimit);
  // The same, and waits for the reply, at most for as long as the daemon keeps its reply block.
  boost::asio::awaitable<Result<MessageReply>> send_and_wait(ServiceId to, ByteView payload,
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
                                                        ServiceId courier,
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
