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
//   - kDaemonGone: no connection, and none came back in time; nothing of the call took effect
//   - kOutcomeUnknown: a write, copy or message was started and nobody knows how it ended
//   - kTemporary: the daemon is not ready (no document, offline), or did not answer a read or a
//     local call in time
//   - kRejected: the daemon refused the request, or a size is wrong (then nothing was sent)
//   - kCancelled: the caller's coroutine was cancelled, or the client is closed
//   - kInvalid: the daemon's answer is not one to this call, or lacks something
//
// Where the daemon answered with a code, Error::peer_code holds it: wire::thin_code() names it.
// Numbers in brackets are sections of thin-protocol.
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

// The calls of the daemon as coroutines; thin/client.h says what all of them guarantee.
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
  // The events from now on; at most `capacity` of them wait. Ends when the client is closed.
  std::shared_ptr<Subscription> subscribe(std::size_t capacity = 64);

  // --- local calls ---
  // A new sequence of boxes (thin-protocol 3.2). The same seed gives the same keys: it is as secret
  // as the write capability. Take random_array<32>() of base/random.h.
  boost::asio::awaitable<Result<KeyPair>> new_keypair(const Bytes32& seed,
                                                      Limit limit = kDefaultLimit);
  // The read of the box at `index` (3.3). Make a new one for each look: the courier remembers what
  // it answered to an old one (6.3). No envelope should be kept for more than a day (6.8).
  boost::asio::awaitable<Result<Envelope>> encrypt_read(ReadCap read_cap, BoxIndex index,
                                                        Limit limit = kDefaultLimit);
  // The write of the box at `index` (3.4). `plaintext` has 1 to *Max* bytes (geometry()); an empty
  // one is refused (kRejected), see encrypt_tombstone(). The same plaintext for the same box gives
  // the same content, so that encrypting again is no conflict.
  boost::asio::awaitable<Result<Envelope>> encrypt_write(ByteView plaintext,
                                                         const WriteCap& write_cap, BoxIndex index,
                                                         Limit limit = kDefaultLimit);
  // The write that deletes a box, for good (3.4).
  boost::asio::awaitable<Result<Envelope>> encrypt_tombstone(const WriteCap& write_cap,
                                                             BoxIndex index,
                                                             Limit limit = kDefaultLimit);
  // The writes that delete `count` boxes, 1 to 1,000, from `start` on, built one by one.
  boost::asio::awaitable<Result<TombstoneRange>> tombstone_range(const WriteCap& write_cap,
                                                                 BoxIndex start,
                                                                 std::uint32_t count,
                                                                 Limit limit = kDefaultLimit);
  // Elements of a copy stream for one destination, without a buffer between calls (3.13). Each
  // element is one plaintext of a temporary sequence; each box of the destination holds *Max* - 4
  // bytes.
  boost::asio::awaitable<Result<CopyElements>> create_courier_envelopes_from_payload(
      const Destination& destination, bool is_start, bool is_last, Limit limit = kDefaultLimit);
  // The same for several destinations, and for streams of several calls (3.14).
  boost::asio::awaitable<Result<CopyElements>> create_courier_envelopes_from_multi_payload(
      const std::vector<Destination>& destinations, const StreamPart& part,
      Limit limit = kDefaultLimit);
  // Elements that write `count` tombstones, 1 to 1,000, from `start` on (3.15).
  boost::asio::awaitable<Result<CopyElements>> create_courier_envelopes_from_tombstone_range(
      const WriteCap& write_cap, BoxIndex start, std::uint32_t count, const StreamPart& part,
      Limit limit = kDefaultLimit);
  // The index after `index` in its sequence (3.9).
  boost::asio::awaitable<Result<BoxIndex>> next_message_box_index(BoxIndex index,
                                                                  Limit limit = kDefaultLimit);
  // Orders the indices of one sequence; counting begins at a random number (3.10).
  boost::asio::awaitable<Result<std::uint64_t>> message_box_index_counter(
      BoxIndex index, Limit limit = kDefaultLimit);
  // The document of a mix epoch, 0: the current one or the one before (3.11). kNotFound if the
  // daemon does not have it: it keeps the previous, the current and the next one.
  boost::asio::awaitable<Result<SignedDocument>> get_pki_document(std::uint64_t epoch,
                                                                  Limit limit = kDefaultLimit);
  // Who signs the documents (3.12). kNotFound if the daemon has none configured.
  boost::asio::awaitable<Result<std::vector<wire::DirectoryAuthority>>> directory_authorities(
      Limit limit = kDefaultLimit);

  // --- contact vouchers: local calls too (thin-protocol 3.16 to 3.19) ---
  // The newcomer's first step: a voucher for the messages that `message_write_cap` will write.
  boost::asio::awaitable<Result<MintedVoucher>> voucher_mint(const WriteCap& message_write_cap,
                                                             std::string display_name,
                                                             Limit limit = kDefaultLimit);
  // The inviter's step. `payload` is what box 0 of the voucher's stream holds, `who_reply` is for
  // the newcomer. kRejected with code 28 if the payload is not this voucher's, 29 if its signature
  // is wrong.
  boost::asio::awaitable<Result<InductedVoucher>> voucher_induct(Bytes32 voucher, ByteView payload,
                                                                 ByteView who_reply,
                                                                 Limit limit = kDefaultLimit);
  // The newcomer's last step. `sealed_reply` is what box 1 holds, `message_write_cap` the one of
  // voucher_mint(). kRejected with code 30 if it does not open.
  boost::asio::awaitable<Result<OpenedVoucher>> voucher_open(const SecretBytes& secret_key,
                                                             ByteView sealed_reply,
                                                             const WriteCap& message_write_cap,
                                                             Limit limit = kDefaultLimit);
  // The voucher's stream, for whoever knows the voucher.
  boost::asio::awaitable<Result<KeyPair>> voucher_derive_stream(Bytes32 voucher,
                                                                Limit limit = kDefaultLimit);

  // --- messages to services ---
  // Returns when the daemon has written the message to its gateway; the reply comes as a
  // MessageReplyEvent. Now or an error: kTemporary while the daemon is offline. `payload` has at
  // most UserForwardPayloadLength bytes (sphinx_geometry()); there is always a reply block
  // (3.1, 8.13).
  boost::asio::awaitable<Result<MessageSent>> send_message(ServiceId to, ByteView payload,
                                                           Limit limit = kDefaultLimit);
  // The same, and waits for the reply, at most for as long as the daemon keeps its reply block.
  boost::asio::awaitable<Result<MessageReply>> send_and_wait(ServiceId to, ByteView payload,
                                                             Limit limit = kDefaultLimit);

  // --- mixnet operations ---
  // Writes the envelope of encrypt_write() or encrypt_tombstone(), and returns when the write has
  // ended (3.5, 6.3). What the network said is a value: see ResendKind. Starts are held back while
  // the daemon is offline. One for each envelope runs at a time: kStateConflict for a second.
  boost::asio::awaitable<Result<ResendResult>> start_write(const Envelope& envelope,
                                                           const WriteCap& write_cap,
                                                           WriteOptions options,
                                                           Limit limit = kDefaultLimit);
  // Reads with the envelope of encrypt_read() (3.5, 6.3); `index` is the one that it was encrypted
  // for.
  boost::asio::awaitable<Result<ResendResult>> start_read(const Envelope& envelope,
                                                          ReadCap read_cap, BoxIndex index,
                                                          ReadOptions options,
                                                          Limit limit = kDefaultLimit);
  // Has a courier copy the temporary sequence of `write_cap` to where its elements belong
  // (3.7, 6.5). The courier is always pinned, and stays the same through every repetition. A
  // courier remembers a failure for 30 minutes: after one, write a new temporary sequence.
  boost::asio::awaitable<Result<CopyResult>> start_copy(const WriteCap& write_cap,
                                                        ServiceId courier,
                                                        Limit limit = kDefaultLimit);
  // Ends the operation, here and at the daemon (6.4); its caller gets kCancelled as the result.
  // Succeeds also if there is no such operation. What a courier has already may still happen.
  boost::asio::awaitable<Status> cancel(Bytes32 envelope_hash, Limit limit = kDefaultLimit);
  // `write_cap_hash` is copy_hash() of the write capability. The courier goes on with the copy.
  boost::asio::awaitable<Status> cancel_copy(Bytes32 write_cap_hash, Limit limit = kDefaultLimit);

  class Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace taubenpost::thin
