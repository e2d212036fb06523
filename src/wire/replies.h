// Replies and events of the daemon (thin-protocol 2 to 4); see messages.h for how they are written.
// length: one file for all replies, so that the protocol is seen at once.
#pragma once

#include "wire/messages.h"

namespace taubenpost::wire {

struct SphinxGeometry {
  std::int64_t packet_length = 0, nr_hops = 0, header_length = 0, routing_info_length = 0,
               per_hop_routing_info_length = 0, surb_length = 0, sphinx_plaintext_header_length = 0,
               payload_tag_length = 0, forward_payload_length = 0, user_forward_payload_length = 0,
               next_node_hop_length = 0, sprp_key_material_length = 0;
  std::string nike_name, kem_name;
  TP_MESSAGE("", f("PacketLength", m.packet_length); f("NrHops", m.nr_hops);
             f("HeaderLength", m.header_length); f("RoutingInfoLength", m.routing_info_length);
             f("PerHopRoutingInfoLength", m.per_hop_routing_info_length);
             f("SURBLength", m.surb_length);
             f("SphinxPlaintextHeaderLength", m.sphinx_plaintext_header_length);
             f("PayloadTagLength", m.payload_tag_length);
             f("ForwardPayloadLength", m.forward_payload_length);
             f("UserForwardPayloadLength", m.user_forward_payload_length);
             f("NextNodeHopLength", m.next_node_hop_length);
             f("SPRPKeyMaterialLength", m.sprp_key_material_length); f("NIKEName", m.nike_name);
             f("KEMName", m.kem_name);)
};
struct PigeonholeGeometry {
  std::int64_t max_plaintext_payload_length = 0, courier_query_read_length = 0,
               courier_query_write_length = 0, courier_query_reply_read_length = 0,
               courier_query_reply_write_length = 0;
  std::string nike_name, signature_scheme_name;
  TP_MESSAGE("", f("MaxPlaintextPayloadLength", m.max_plaintext_payload_length);
             f("CourierQueryReadLength", m.courier_query_read_length);
             f("CourierQueryWriteLength", m.courier_query_write_length);
             f("CourierQueryReplyReadLength", m.courier_query_reply_read_length);
             f("CourierQueryReplyWriteLength", m.courier_query_reply_write_length);
             f("NIKEName", m.nike_name); f("SignatureSchemeName", m.signature_scheme_name);)
};

struct SessionTokenReply {
  OptBytes app_id;
  bool resumed = false;
  TP_MESSAGE("session_token_reply", f("app_id", m.app_id); f("resumed", m.resumed);)
};
struct ShutdownEvent {
  TP_MESSAGE("shutdown_event", )
};
struct NothingButNull {};  // a field that is always null
struct ConnectionStatusEvent {
  bool is_connected = false;
  NothingButNull err;
  Bytes16 instance_token{};
  std::optional<SphinxGeometry> sphinx_geometry;
  std::optional<PigeonholeGeometry> pigeonhole_geometry;
  TP_MESSAGE("connection_status_event", f("is_connected", m.is_connected); f("err", m.err);
             f("instance_token", m.instance_token); f("sphinx_geometry", m.sphinx_geometry);
             f("pigeonhole_geometry", m.pigeonhole_geometry);)
};
struct NewPkiDocumentEvent {
  OptBytes payload;
  TP_MESSAGE("new_pki_document_event", f("payload", m.payload);)
};
struct MessageSentEvent {
  Id16 message_id, surbid;
  std::optional<std::int64_t> sent_at;  // Unix seconds
  std::int64_t reply_eta = 0;           // nanoseconds
  Omitted<std::string> err;
  TP_MESSAGE("message_sent_event", f("message_id", m.message_id); f("surbid", m.surbid);
             f("sent_at", m.sent_at); f("reply_eta", m.reply_eta); f("err", m.err);)
};
struct MessageReplyEvent {
  Id16 message_id, surbid;
  OptBytes payload;
  Omitted<std::optional<std::uint8_t>> reply_index;
  std::uint8_t error_code = 0;
  TP_MESSAGE("message_reply_event", f("message_id", m.message_id); f("surbid", m.surbid);
             f("payload", m.payload); f("reply_index", m.reply_index);
             f("error_code", m.error_code);)
};
struct MessageIdGarbageCollected {
  Id16 message_id;
  TP_MESSAGE("message_id_garbage_collected", f("message_id", m.message_id);)
};
struct NewKeypairReply {
  Id16 query_id;
  OptWriteCap write_cap;
  OptReadCap read_cap;
  OptIndex first_message_index;
  std::uint8_t error_code = 0;
  TP_MESSAGE("new_keypair_reply", f("query_id", m.query_id); f("write_cap", m.write_cap);
             f("read_cap", m.read_cap); f("first_message_index", m.first_message_index);
             f("error_code", m.error_code);)
};
// encrypt_read_reply and encrypt_write_reply have the same fields.
struct EncryptReply {
  Id16 query_id;
  OptBytes message_ciphertext, envelope_descriptor;
  Hash32 envelope_hash;
  OptIndex next_message_box_index;
  std::uint8_t error_code = 0;
  TP_MESSAGE("", f("query_id", m.query_id); f("message_ciphertext", m.message_ciphertext);
             f("envelope_descriptor", m.envelope_descriptor); f("envelope_hash", m.envelope_hash);
             f("next_message_box_index", m.next_message_box_index); f("error_code", m.error_code);)
};
struct EncryptReadReply : EncryptReply {
  static constexpr std::string_view kKey = "encrypt_read_reply";
};
struct EncryptWriteReply : EncryptReply {
  static constexpr std::string_view kKey = "encrypt_write_reply";
};
struct StartResendingEncryptedMessageReply {
  Id16 query_id;
  OptBytes plaintext;
  std::uint8_t error_code = 0;  // mixed code space, see errors.h
  Hash32 courier_identity_hash;
  OptBytes courier_queue_id;
  TP_MESSAGE("start_resending_encrypted_message_reply", f("query_id", m.query_id);
             f("plaintext", m.plaintext); f("error_code", m.error_code);
             f("courier_identity_hash", m.courier_identity_hash);
             f("courier_queue_id", m.courier_queue_id);)
};
struct CancelResendingEncryptedMessageReply {
  Id16 query_id;
  std::uint8_t error_code = 0;
  TP_MESSAGE("cancel_resending_encrypted_message_reply", f("query_id", m.query_id);
             f("error_code", m.error_code);)
};
struct StartResendingCopyCommandReply {
  Id16 query_id;
  std::uint8_t error_code = 0;
  Omitted<std::uint8_t> replica_error_code;
  Omitted<std::uint64_t> failed_envelope_index;
  TP_MESSAGE("start_resending_copy_command_reply", f("query_id", m.query_id);
             f("error_code", m.error_code); f("replica_error_code", m.replica_error_code);
             f("failed_envelope_index", m.failed_envelope_index);)
};
struct CancelResendingCopyCommandReply {
  Id16 query_id;
  std::uint8_t error_code = 0;
  TP_MESSAGE("cancel_resending_copy_command_reply", f("query_id", m.query_id);
             f("error_code", m.error_code);)
};
struct NextMessageBoxIndexReply {
  Id16 query_id;
  OptIndex next_message_box_index;
  std::uint8_t error_code = 0;
  TP_MESSAGE("next_message_box_index_reply", f("query_id", m.query_id);
             f("next_message_box_index", m.next_message_box_index); f("error_code", m.error_code);)
};
struct GetMessageBoxIndexCounterReply {
  Id16 query_id;
  std::uint64_t counter = 0;
  std::uint8_t error_code = 0;
  TP_MESSAGE("get_message_box_index_counter_reply", f("query_id", m.query_id);
             f("counter", m.counter); f("error_code", m.error_code);)
};
struct GetPkiDocumentReply {
  Id16 query_id;
  OptBytes payload;
  std::uint64_t epoch = 0;
  std::uint8_t error_code = 0;
  TP_MESSAGE("get_pki_document_reply", f("query_id", m.query_id); f("payload", m.payload);
             f("epoch", m.epoch); f("error_code", m.error_code);)
};
struct DirectoryAuthority {
  std::string identifier, pki_signature_scheme, wire_kem_scheme;
  std::optional<std::vector<std::string>> addresses;
  std::string identity_public_key_pem, link_public_key_pem;
  Bytes32 identity_key_hash{};  // all zero if unknown
  TP_MESSAGE("", f("identifier", m.identifier); f("pki_signature_scheme", m.pki_signature_scheme);
             f("wire_kem_scheme", m.wire_kem_scheme); f("addresses", m.addresses);
             f("identity_public_key_pem", m.identity_public_key_pem);
             f("link_public_key_pem", m.link_public_key_pem);
             f("identity_key_hash", m.identity_key_hash);)
};
struct GetDirectoryAuthoritiesReply {
  Id16 query_id;
  std::optional<std::vector<DirectoryAuthority>> authorities;
  std::uint8_t error_code = 0;
  TP_MESSAGE("get_directory_authorities_reply", f("query_id", m.query_id);
             f("authorities", m.authorities); f("error_code", m.error_code);)
};
struct CreateCourierEnvelopesFromPayloadReply {
  Id16 query_id;
  std::optional<std::vector<OptBytes>> envelopes;
  OptIndex next_dest_index;
  std::uint8_t error_code = 0;
  TP_MESSAGE("create_courier_envelopes_from_payload_reply", f("query_id", m.query_id);
             f("envelopes", m.envelopes); f("next_dest_index", m.next_dest_index);
             f("error_code", m.error_code);)
};
struct CreateCourierEnvelopesFromMultiPayloadReply {
  Id16 query_id;
  std::optional<std::vector<OptBytes>> envelopes;
  OptBytes buffer;
  std::optional<std::vector<OptIndex>> next_dest_indices;
  std::uint8_t error_code = 0;
  TP_MESSAGE("create_courier_envelopes_from_multi_payload_reply", f("query_id", m.query_id);
             f("envelopes", m.envelopes); f("buffer", m.buffer);
             f("next_dest_indices", m.next_dest_indices); f("error_code", m.error_code);)
};
struct CreateCourierEnvelopesFromTombstoneRangeReply {
  Id16 query_id;
  std::optional<std::vector<OptBytes>> envelopes;
  OptBytes buffer;
  OptIndex next_dest_index;
  std::uint8_t error_code = 0;
  TP_MESSAGE("create_courier_envelopes_from_tombstone_range_reply", f("query_id", m.query_id);
             f("envelopes", m.envelopes); f("buffer", m.buffer);
             f("next_dest_index", m.next_dest_index); f("error_code", m.error_code);)
};
struct VoucherMintReply {
  Id16 query_id;
  OptBytes voucher, voucher_payload, voucher_write_cap, voucher_read_cap, voucher_secret_key,
      voucher_public_key;
  std::uint8_t error_code = 0;
  TP_MESSAGE("voucher_mint_reply", f("query_id", m.query_id); f("voucher", m.voucher);
             f("voucher_payload", m.voucher_payload); f("voucher_write_cap", m.voucher_write_cap);
             f("voucher_read_cap", m.voucher_read_cap);
             f("voucher_secret_key", m.voucher_secret_key);
             f("voucher_public_key", m.voucher_public_key); f("error_code", m.error_code);)
};
struct VoucherInductReply {
  Id16 query_id;
  std::string display_name;
  OptBytes mutated_message_read_cap, sealed_reply, voucher_write_cap, voucher_read_cap, salt;
  std::uint8_t error_code = 0;
  TP_MESSAGE("voucher_induct_reply", f("query_id", m.query_id); f("display_name", m.display_name);
             f("mutated_message_read_cap", m.mutated_message_read_cap);
             f("sealed_reply", m.sealed_reply); f("voucher_write_cap", m.voucher_write_cap);
             f("voucher_read_cap", m.voucher_read_cap); f("salt", m.salt);
             f("error_code", m.error_code);)
};
struct VoucherOpenReply {
  Id16 query_id;
  OptBytes who_reply, salt, mutated_message_write_cap;
  std::uint8_t error_code = 0;
  TP_MESSAGE("voucher_open_reply", f("query_id", m.query_id); f("who_reply", m.who_reply);
             f("salt", m.salt); f("mutated_message_write_cap", m.mutated_message_write_cap);
             f("error_code", m.error_code);)
};
struct VoucherDeriveStreamReply {
  Id16 query_id;
  OptBytes voucher_write_cap, voucher_read_cap;
  std::uint8_t error_code = 0;
  TP_MESSAGE("voucher_derive_stream_reply", f("query_id", m.query_id);
             f("voucher_write_cap", m.voucher_write_cap); f("voucher_read_cap", m.voucher_read_cap);
             f("error_code", m.error_code);)
};

// A response that sets no key known here: of a later daemon. There is nothing to do about it.
struct UnknownResponse {};

// In the order of the wire.
using Response = std::variant<
    SessionTokenReply, ShutdownEvent, ConnectionStatusEvent, NewPkiDocumentEvent, MessageSentEvent,
    MessageReplyEvent, MessageIdGarbageCollected, NewKeypairReply, EncryptReadReply,
    EncryptWriteReply, StartResendingEncryptedMessageReply, CancelResendingEncryptedMessageReply,
    StartResendingCopyCommandReply, CancelResendingCopyCommandReply, NextMessageBoxIndexReply,
    GetMessageBoxIndexCounterReply, GetPkiDocumentReply, GetDirectoryAuthoritiesReply,
    CreateCourierEnvelopesFromPayloadReply, CreateCourierEnvelopesFromMultiPayloadReply,
    CreateCourierEnvelopesFromTombstoneRangeReply, VoucherMintReply, VoucherInductReply,
    VoucherOpenReply, VoucherDeriveStreamReply, UnknownResponse>;
// Keys of a response, used and unused ones.
inline constexpr std::size_t kResponseKeys = std::variant_size_v<Response> - 1;

}  // namespace taubenpost::wire
