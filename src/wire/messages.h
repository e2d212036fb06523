// The daemon's messages, field by field (thin-protocol 2 to 4).
//
// One struct per top-level key. The fields() of each lists its keys in the order of the wire and is
// all that encoding and decoding know of it. An absent optional is null on the wire; Omitted ones
// are left out instead. Capabilities and indices are checked for their size when they are decoded,
// and secrets among them live only as long as the message.
// length: one file for all messages, so that the protocol is seen at once.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "model/units.h"

namespace taubenpost::wire {

using Id16 = std::optional<Bytes16>;
using Hash32 = std::optional<Bytes32>;
using OptBytes = std::optional<Bytes>;
using OptIndex = std::optional<IndexBytes>;
using OptReadCap = std::optional<ReadCapBytes>;
using OptWriteCap = std::optional<std::array<std::uint8_t, kWriteCapSize>>;

// A field whose key is left out when the value is empty, false or zero.
template <class T>
struct Omitted {
  T value{};
};

// Declares the key on the wire and the fields of a message, in order.
#define TP_MESSAGE(key_text, ...)                                             \
  static constexpr std::string_view kKey = key_text;                          \
  template <class Self, class Visitor>                                        \
  static void fields([[maybe_unused]] Self& m, [[maybe_unused]] Visitor& f) { \
    __VA_ARGS__                                                               \
  }

// ---- requests ----------------------------------------------------------------------------------
struct SessionToken {
  Bytes16 client_instance_token{};
  TP_MESSAGE("session_token", f("client_instance_token", m.client_instance_token);)
};
struct ThinClose {
  TP_MESSAGE("thin_close", )
};
struct SendMessage {
  Id16 id;
  bool with_surb = false;
  Id16 surbid;
  Hash32 destination_id_hash;
  OptBytes recipient_queue_id, payload;
  TP_MESSAGE("send_message", f("id", m.id); f("with_surb", m.with_surb); f("surbid", m.surbid);
             f("destination_id_hash", m.destination_id_hash);
             f("recipient_queue_id", m.recipient_queue_id); f("payload", m.payload);)
};
struct NewKeypair {
  Id16 query_id;
  OptBytes seed;
  TP_MESSAGE("new_keypair", f("query_id", m.query_id); f("seed", m.seed);)
};
struct EncryptRead {
  Id16 query_id;
  OptReadCap read_cap;
  OptIndex message_box_index;
  TP_MESSAGE("encrypt_read", f("query_id", m.query_id); f("read_cap", m.read_cap);
             f("message_box_index", m.message_box_index);)
};
struct EncryptWrite {
  Id16 query_id;
  OptBytes plaintext;  // empty: tombstone; absent: an error
  OptWriteCap write_cap;
  OptIndex message_box_index;
  TP_MESSAGE("encrypt_write", f("query_id", m.query_id); f("plaintext", m.plaintext);
             f("write_cap", m.write_cap); f("message_box_index", m.message_box_index);)
};
struct StartResendingEncryptedMessage {
  Id16 query_id;
  OptReadCap read_cap;
  OptWriteCap write_cap;
  OptBytes message_box_index;  // not checked for size on arrival
  Omitted<std::optional<std::uint8_t>> reply_index;
  OptBytes envelope_descriptor, message_ciphertext;
  Hash32 envelope_hash;
  Omitted<bool> no_retry_on_box_id_not_found, no_idempotent_box_already_exists;
  TP_MESSAGE("start_resending_encrypted_message", f("query_id", m.query_id);
             f("read_cap", m.read_cap); f("write_cap", m.write_cap);
             f("message_box_index", m.message_box_index); f("reply_index", m.reply_index);
             f("envelope_descriptor", m.envelope_descriptor);
             f("message_ciphertext", m.message_ciphertext); f("envelope_hash", m.envelope_hash);
             f("no_retry_on_box_id_not_found", m.no_retry_on_box_id_not_found);
             f("no_idempotent_box_already_exists", m.no_idempotent_box_already_exists);)
};
struct CancelResendingEncryptedMessage {
  Id16 query_id;
  Hash32 envelope_hash;
  TP_MESSAGE("cancel_resending_encrypted_message", f("query_id", m.query_id);
             f("envelope_hash", m.envelope_hash);)
};
struct StartResendingCopyCommand {
  Id16 query_id;
  OptWriteCap write_cap;
  Omitted<Hash32> courier_identity_hash;
  Omitted<OptBytes> courier_queue_id;
  TP_MESSAGE("start_resending_copy_command", f("query_id", m.query_id); f("write_cap", m.write_cap);
             f("courier_identity_hash", m.courier_identity_hash);
             f("courier_queue_id", m.courier_queue_id);)
};
struct CancelResendingCopyCommand {
  Id16 query_id;
  Hash32 write_cap_hash;
  TP_MESSAGE("cancel_resending_copy_command", f("query_id", m.query_id);
             f("write_cap_hash", m.write_cap_hash);)
};
struct NextMessageBoxIndex {
  Id16 query_id;
  OptIndex message_box_index;
  TP_MESSAGE("next_message_box_index", f("query_id", m.query_id);
             f("message_box_index", m.message_box_index);)
};
struct GetMessageBoxIndexCounter {
  Id16 query_id;
  OptIndex message_box_index;
  TP_MESSAGE("get_message_box_index_counter", f("query_id", m.query_id);
             f("message_box_index", m.message_box_index);)
};
struct GetPkiDocument {
  Id16 query_id;
  std::uint64_t epoch = 0;  // 0: current
  TP_MESSAGE("get_pki_document", f("query_id", m.query_id); f("epoch", m.epoch);)
};
struct GetDirectoryAuthorities {
  Id16 query_id;
  TP_MESSAGE("get_directory_authorities", f("query_id", m.query_id);)
};
struct CreateCourierEnvelopesFromPayload {
  Id16 query_id;
  OptBytes payload;
  OptWriteCap dest_write_cap;
  OptIndex dest_start_index;
  bool is_start = false, is_last = false;
  TP_MESSAGE("create_courier_envelopes_from_payload", f("query_id", m.query_id);
             f("payload", m.payload); f("dest_write_cap", m.dest_write_cap);
             f("dest_start_index", m.dest_start_index); f("is_start", m.is_start);
             f("is_last", m.is_last);)
};
struct DestinationPayload {
  OptBytes payload;
  OptWriteCap write_cap;
  OptIndex start_index;
  TP_MESSAGE("", f("payload", m.payload); f("write_cap", m.write_cap);
             f("start_index", m.start_index);)
};
struct CreateCourierEnvelopesFromMultiPayload {
  Id16 query_id;
  std::optional<std::vector<DestinationPayload>> destinations;
  bool is_start = false, is_last = false;
  OptBytes buffer;
  TP_MESSAGE("create_courier_envelopes_from_multi_payload", f("query_id", m.query_id);
             f("destinations", m.destinations); f("is_start", m.is_start); f("is_last", m.is_last);
             f("buffer", m.buffer);)
};
struct CreateCourierEnvelopesFromTombstoneRange {
  Id16 query_id;
  OptWriteCap dest_write_cap;
  OptIndex dest_start_index;
  std::uint32_t max_count = 0;
  bool is_start = false, is_last = false;
  OptBytes buffer;
  TP_MESSAGE("create_courier_envelopes_from_tombstone_range", f("query_id", m.query_id);
             f("dest_write_cap", m.dest_write_cap); f("dest_start_index", m.dest_start_index);
             f("max_count", m.max_count); f("is_start", m.is_start); f("is_last", m.is_last);
             f("buffer", m.buffer);)
};
struct VoucherMint {
  Id16 query_id;
  OptBytes message_write_cap;
  std::string display_name;
  TP_MESSAGE("voucher_mint", f("query_id", m.query_id); f("message_write_cap", m.message_write_cap);
             f("display_name", m.display_name);)
};
struct VoucherInduct {
  Id16 query_id;
  OptBytes voucher, voucher_payload, who_reply;
  TP_MESSAGE("voucher_induct", f("query_id", m.query_id); f("voucher", m.voucher);
             f("voucher_payload", m.voucher_payload); f("who_reply", m.who_reply);)
};
struct VoucherOpen {
  Id16 query_id;
  OptBytes voucher_secret_key, sealed_reply, message_write_cap;
  TP_MESSAGE("voucher_open", f("query_id", m.query_id);
             f("voucher_secret_key", m.voucher_secret_key); f("sealed_reply", m.sealed_reply);
             f("message_write_cap", m.message_write_cap);)
};
struct VoucherDeriveStream {
  Id16 query_id;
  OptBytes voucher;
  TP_MESSAGE("voucher_derive_stream", f("query_id", m.query_id); f("voucher", m.voucher);)
};

using Request =
    std::variant<SessionToken, ThinClose, SendMessage, NewKeypair, EncryptRead, EncryptWrite,
                 StartResendingEncryptedMessage, CancelResendingEncryptedMessage,
                 StartResendingCopyCommand, CancelResendingCopyCommand, NextMessageBoxIndex,
                 GetMessageBoxIndexCounter, GetPkiDocument, GetDirectoryAuthorities,
                 CreateCourierEnvelopesFromPayload, CreateCourierEnvelopesFromMultiPayload,
                 CreateCourierEnvelopesFromTombstoneRange, VoucherMint, VoucherInduct, VoucherOpen,
                 VoucherDeriveStream>;

}  // namespace taubenpost::wire
