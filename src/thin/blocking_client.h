// The thin client for plain programs: the calls of Client, each blocking until its answer or limit.
//
// One thread of its own carries the connection, so that events, reconnecting and restarting go on
// between calls. Calls may come from several threads at once; all have returned before the client
// is destroyed (close() makes them). Shapes, limits and errors are those of Client (thin/client.h).
// This header needs no Asio.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "thin/document.h"
#include "thin/events.h"
#include "thin/options.h"
#include "thin/results.h"
#include "wire/replies.h"

namespace taubenpost::thin {

class BlockingSubscription;

// The calls of the daemon, blocking; thin/blocking_client.h says what all of them guarantee.
class BlockingClient {
 public:
  // Nothing is dialled yet.
  explicit BlockingClient(Options options);
  // Leaves the session at the daemon, as if the program had crashed; see close().
  ~BlockingClient();
  BlockingClient(const BlockingClient&) = delete;
  BlockingClient& operator=(const BlockingClient&) = delete;

  // Starts dialling at the first call; returns when the handshake is complete. The client goes on
  // trying after an error.
  Status connect(Limit limit = kDefaultLimit);
  // Says thin_close and ends every call that other threads are waiting in. Idempotent.
  void close();

  bool is_open();       // the handshake is complete and the socket is up
  bool is_connected();  // the daemon has a gateway link and a document: a hint
  // Empty before the first handshake.
  std::optional<wire::PigeonholeGeometry> geometry();
  std::optional<wire::SphinxGeometry> sphinx_geometry();
  std::optional<Bytes16> instance_token();
  // The newest document; null if there is none.
  DocumentPtr document();
  // Who offers a capability ("courier", "echo"), in document order; empty without a document.
  std::vector<ServiceId> services(std::string_view capability);
  // The events from now on; at most `capacity` of them wait. Ends when the client is closed.
  BlockingSubscription subscribe(std::size_t capacity = 64);

  // Local calls, as in Client: keys, envelopes, elements of copy streams, indices, documents.
  Result<KeyPair> new_keypair(const Bytes32& seed, Limit limit = kDefaultLimit);
  Result<Envelope> encrypt_read(const ReadCap& read_cap, const BoxIndex& index,
                                Limit limit = kDefaultLimit);
  Result<Envelope> encrypt_write(ByteView plaintext, const WriteCap& write_cap,
                                 const BoxIndex& index, Limit limit = kDefaultLimit);
  Result<Envelope> encrypt_tombstone(const WriteCap& write_cap, const BoxIndex& index,
                                     Limit limit = kDefaultLimit);
  Result<TombstoneRange> tombstone_range(const WriteCap& write_cap, const BoxIndex& start,
                                         std::uint32_t count, Limit limit = kDefaultLimit);
  Result<CopyElements> create_courier_envelopes_from_payload(const Destination& destination,
                                                             bool is_start, bool is_last,
                                                             Limit limit = kDefaultLimit);
  Result<CopyElements> create_courier_envelopes_from_multi_payload(
      const std::vector<Destination>& destinations, const StreamPart& part,
      Limit limit = kDefaultLimit);
  Result<CopyElements> create_courier_envelopes_from_tombstone_range(const WriteCap& write_cap,
                                                                     const BoxIndex& start,
                                                                     std::uint32_t count,
                                                                     const StreamPart& part,
                                                                     Limit limit = kDefaultLimit);
  Result<BoxIndex> next_message_box_index(const BoxIndex& index, Limit limit = kDefaultLimit);
  Result<std::uint64_t> message_box_index_counter(const BoxIndex& index,
                                                  Limit limit = kDefaultLimit);
  Result<SignedDocument> get_pki_document(std::uint64_t epoch, Limit limit = kDefaultLimit);
  Result<std::vector<wire::DirectoryAuthority>> directory_authorities(Limit limit = kDefaultLimit);

  // Contact vouchers, as in Client.
  Result<MintedVoucher> voucher_mint(const WriteCap& message_write_cap, std::string display_name,
                                     Limit limit = kDefaultLimit);
  Result<InductedVoucher> voucher_induct(const Bytes32& voucher, ByteView payload,
                                         ByteView who_reply, Limit limit = kDefaultLimit);
  Result<OpenedVoucher> voucher_open(const SecretBytes& secret_key, ByteView sealed_reply,
                                     const WriteCap& message_write_cap,
                                     Limit limit = kDefaultLimit);
  Result<KeyPair> voucher_derive_stream(const Bytes32& voucher, Limit limit = kDefaultLimit);

  // Messages to services, as in Client.
  Result<MessageSent> send_message(const ServiceId& to, ByteView payload,
                                   Limit limit = kDefaultLimit);
  Result<MessageReply> send_and_wait(const ServiceId& to, ByteView payload,
                                     Limit limit = kDefaultLimit);

  // Mixnet operations, as in Client: each returns when it has ended.
  Result<ResendResult> start_write(const Envelope& envelope, const WriteCap& write_cap,
                                   WriteOptions options, Limit limit = kDefaultLimit);
  Result<ResendResult> start_read(const Envelope& envelope, const ReadCap& read_cap,
                                  const BoxIndex& index, ReadOptions options,
                                  Limit limit = kDefaultLimit);
  Result<CopyResult> start_copy(const WriteCap& write_cap, const ServiceId& courier,
                                Limit limit = kDefaultLimit);
  // Ends an operation that another thread waits for, which gets kCancelled as the result.
  Status cancel(const Bytes32& envelope_hash, Limit limit = kDefaultLimit);
  Status cancel_copy(const Bytes32& write_cap_hash, Limit limit = kDefaultLimit);

 private:
  friend class BlockingSubscription;
  class Core;
  std::shared_ptr<Core> core_;
};

// Events of one client; one thread at a time. It may outlive the client.
class BlockingSubscription {
 public:
  // The oldest event not yet read. kTemporary after `limit`, which has no default; kCancelled if
  // the client is closed and none is left.
  Result<Event> next(Limit limit);
  // All events that were ever dropped because nobody read them.
  std::uint64_t lost();

 private:
  friend class BlockingClient;
  struct Queue;
  explicit BlockingSubscription(std::shared_ptr<Queue> queue) : queue_(std::move(queue)) {}
  std::shared_ptr<Queue> queue_;
};

}  // namespace taubenpost::thin
