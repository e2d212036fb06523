#include "localnet/local_calls.h"

#include <utility>

#include "wire/errors.h"
#include "wire/frame.h"
#include "wire/pki.h"

namespace taubenpost::localnet {
namespace {

using bacap::MessageBoxIndex;
using bacap::ReadCap;
using bacap::WriteCap;
using wire::number;
using wire::ThinCode;

constexpr std::size_t kSeedSize = 32;
// What a destination may hold, in bytes (thin-protocol 6.7).
constexpr std::size_t kPayloadMax = 10'485'760;
// A reply's bytes beside the elements: keys, indices, headers of byte strings.
constexpr std::size_t kReplyMargin = 64U << 10;

template <class Reply, class Request>
Reply failed(const Request& request, ThinCode code) {
  Reply reply;
  reply.query_id = request.query_id;
  reply.error_code = number(code);
  return reply;
}

template <class Reply, class Request>
wire::Response encrypted(const Context& context, const Request& request,
                         const MessageBoxIndex& next, const BoxId& box,
                         const bacap::ReplicaInnerMessage& message) {
  auto built = build_envelope(context, box, message);
  Reply reply;
  reply.query_id = request.query_id;
  reply.envelope_hash = bacap::envelope_hash(built.envelope);
  reply.envelope_descriptor = wire::encode_descriptor(
      {built.envelope.epoch, built.envelope.intermediates, to_bytes(built.private_key.view())});
  reply.message_ciphertext = bacap::encode(bacap::CourierQuery(std::move(built.envelope)));
  reply.next_message_box_index = next.bytes();
  return reply;
}

// ---- envelope builders -----------------------------------------------------------------------

using Destination = StreamBuilder::Destination;

// A destination of a request; nothing if its capability or index is absent or unusable.
std::optional<Destination> destination_of(const wire::OptWriteCap& cap, const wire::OptIndex& index,
                                          wire::OptBytes payload, std::uint64_t tombstones) {
  if (!cap || !index) return std::nullopt;
  auto parsed = WriteCap::parse(*cap);
  auto start = MessageBoxIndex::parse(*index);
  if (!parsed || !start) return std::nullopt;
  return Destination{std::move(parsed).value(), start.value(), std::move(payload).value_or(Bytes()),
                     tombstones};
}

// Refuses what could not be sent back: the reply has to fit into a frame.
template <class Reply, class Request>
StreamPlan planned(const Context& context, const Request& request,
                   std::vector<Destination> destinations, ByteView buffer, StreamBuilder::End end) {
  auto builder = std::make_unique<StreamBuilder>(context, std::move(destinations), buffer,
                                                 request.is_start, end);
  const auto& geometry = context.directory.geometry();
  // Elements carry 1544 of at most 1549 bytes and a header of three bytes in the reply.
  const std::uint64_t stream = builder->boxes() * (geometry.courier_envelope() + 4) + buffer.size();
  const std::uint64_t elements = stream / geometry.stream_chunk() + 2;
  if (elements * (geometry.box_payload_max() + 3) + kReplyMargin > wire::kFrameMax)
    return {nullptr, failed<Reply>(request, ThinCode::kPayloadTooLarge)};
  Reply reply;
  reply.query_id = request.query_id;
  return {std::move(builder), std::move(reply)};
}

StreamBuilder::End end_of(bool is_last, StreamBuilder::End otherwise) {
  return is_last ? StreamBuilder::End::kFinal : otherwise;
}

std::optional<std::vector<wire::OptBytes>> envelopes_of(StreamBuilder& builder) {
  auto elements = builder.take_elements();
  if (elements.empty()) return std::nullopt;
  std::vector<wire::OptBytes> out;
  for (Bytes& element : elements) out.emplace_back(std::move(element));
  return out;
}

void fill(wire::CreateCourierEnvelopesFromPayloadReply& reply, StreamBuilder& builder, bool) {
  reply.next_dest_index = builder.next_indices().front().bytes();
}
void fill(wire::CreateCourierEnvelopesFromMultiPayloadReply& reply, StreamBuilder& builder,
          bool keeps_buffer) {
  if (keeps_buffer) reply.buffer = builder.buffer();
  reply.next_dest_indices.emplace();
  for (const auto& index : builder.next_indices())
    reply.next_dest_indices->emplace_back(index.bytes());
}
void fill(wire::CreateCourierEnvelopesFromTombstoneRangeReply& reply, StreamBuilder& builder,
          bool keeps_buffer) {
  if (keeps_buffer) reply.buffer = builder.buffer();
  reply.next_dest_index = builder.next_indices().front().bytes();
}

// ---- errors by name of the request -------------------------------------------------------------

template <std::size_t I = 0>
void find_reply(std::string_view reply_key, const wire::Id16& query_id, std::uint8_t code,
                std::optional<wire::Response>& out) {
  if constexpr (I < std::variant_size_v<wire::Response>) {
    using Reply = std::variant_alternative_t<I, wire::Response>;
    if constexpr (requires(Reply r) { r.query_id, r.error_code; }) {
      if (Reply::kKey == reply_key) {
        Reply reply;
        reply.query_id = query_id;
        reply.error_code = code;
        out = wire::Response(std::move(reply));
        return;
      }
    }
    find_reply<I + 1>(reply_key, query_id, code, out);
  }
}

}  // namespace

wire::Response answer(const Context&, const wire::NewKeypair& request) {
  using Reply = wire::NewKeypairReply;
  if (!request.seed || request.seed->size() != kSeedSize)
    return failed<Reply>(request, ThinCode::kInvalidRequest);
  const auto cap = WriteCap::from_seed(*request.seed);
  Reply reply;
  reply.query_id = request.query_id;
  reply.write_cap = to_array<bacap::kWriteCapSize>(cap.view());
  reply.read_cap = cap.read_cap().bytes();
  reply.first_message_index = cap.index().bytes();
  return reply;
}

wire::Response answer(const Context& context, const wire::EncryptRead& request) {
  using Reply = wire::EncryptReadReply;
  if (!request.read_cap || !request.message_box_index)
    return failed<Reply>(request, ThinCode::kInvalidRequest);
  const auto cap = ReadCap::parse(*request.read_cap);
  const auto index = MessageBoxIndex::parse(*request.message_box_index);
  if (!cap || !index) return failed<Reply>(request, ThinCode::kInvalidRequest);
  const auto box = bacap::box_id(cap->root_key(), index.value());
  const auto next = index->next();
  if (!box || !next) return failed<Reply>(request, ThinCode::kInternalError);
  return encrypted<Reply>(context, request, next.value(), box.value(),
                          bacap::ReplicaRead{box.value()});
}

wire::Response answer(const Context& context, const wire::EncryptWrite& request) {
  using Reply = wire::EncryptWriteReply;
  if (!request.write_cap || !request.message_box_index || !request.plaintext)
    return failed<Reply>(request, ThinCode::kInvalidRequest);
  const auto& geometry = context.directory.geometry();
  if (request.plaintext->size() > geometry.box_payload_max())
    return failed<Reply>(request, ThinCode::kInvalidRequest);
  const auto cap = WriteCap::parse(*request.write_cap);
  const auto index = MessageBoxIndex::parse(*request.message_box_index);
  if (!cap || !index) return failed<Reply>(request, ThinCode::kInvalidRequest);
  const auto next = index->next();
  if (!next) return failed<Reply>(request, ThinCode::kInternalError);
  Box box = make_box(geometry, cap.value(), index.value(), *request.plaintext);
  const BoxId id = box.id;
  return encrypted<Reply>(context, request, next.value(), id, bacap::ReplicaWrite{std::move(box)});
}

wire::Response answer(const Context&, const wire::NextMessageBoxIndex& request) {
  using Reply = wire::NextMessageBoxIndexReply;
  if (!request.message_box_index) return failed<Reply>(request, ThinCode::kInvalidRequest);
  const auto index = MessageBoxIndex::parse(*request.message_box_index);
  if (!index) return failed<Reply>(request, ThinCode::kInvalidRequest);
  const auto next = index->next();
  if (!next) return failed<Reply>(request, ThinCode::kInternalError);
  Reply reply;
  reply.query_id = request.query_id;
  reply.next_message_box_index = next->bytes();
  return reply;
}

wire::Response answer(const Context&, const wire::GetMessageBoxIndexCounter& request) {
  using Reply = wire::GetMessageBoxIndexCounterReply;
  if (!request.message_box_index) return failed<Reply>(request, ThinCode::kInvalidRequest);
  const auto index = MessageBoxIndex::parse(*request.message_box_index);
  if (!index) return failed<Reply>(request, ThinCode::kInvalidRequest);
  Reply reply;
  reply.query_id = request.query_id;
  reply.counter = index->counter();
  return reply;
}

wire::Response answer(const Context& context, const wire::GetPkiDocument& request) {
  wire::GetPkiDocumentReply reply;
  reply.query_id = request.query_id;
  reply.epoch = request.epoch == 0 ? context.mix_epoch() : request.epoch;
  if (context.gateway.has_document(reply.epoch)) {
    reply.payload = context.directory.signed_document(reply.epoch, context.knobs);
  } else {
    if (!context.behaviour.null_without_document) reply.payload = Bytes();
    reply.error_code = number(ThinCode::kServiceUnavailable);
  }
  return reply;
}

wire::Response answer(const Context& context, const wire::GetDirectoryAuthorities& request) {
  wire::GetDirectoryAuthoritiesReply reply;
  reply.query_id = request.query_id;
  reply.authorities = context.directory.authorities();
  return reply;
}

StreamPlan plan_stream(const Context& context, wire::CreateCourierEnvelopesFromPayload request) {
  using Reply = wire::CreateCourierEnvelopesFromPayloadReply;
  auto payload = std::move(request.payload).value_or(Bytes());
  const bool fits = payload.size() <= kPayloadMax;
  auto destination =
      destination_of(request.dest_write_cap, request.dest_start_index, std::move(payload), 0);
  if (!destination || !fits) return {nullptr, failed<Reply>(request, ThinCode::kInvalidRequest)};
  std::vector<Destination> destinations;
  destinations.push_back(*std::move(destination));
  return planned<Reply>(context, request, std::move(destinations), {},
                        end_of(request.is_last, StreamBuilder::End::kFlush));
}

StreamPlan plan_stream(const Context& context,
                       wire::CreateCourierEnvelopesFromMultiPayload request) {
  using Reply = wire::CreateCourierEnvelopesFromMultiPayloadReply;
  const wire::Response invalid = failed<Reply>(request, ThinCode::kInvalidRequest);
  if (!request.destinations || request.destinations->empty()) return {nullptr, invalid};
  std::vector<Destination> destinations;
  for (auto& item : *request.destinations) {
    if (item.payload && item.payload->size() > kPayloadMax) return {nullptr, invalid};
    auto destination = destination_of(item.write_cap, item.start_index, std::move(item.payload), 0);
    if (!destination) return {nullptr, invalid};
    destinations.push_back(*std::move(destination));
  }
  return planned<Reply>(context, request, std::move(destinations),
                        request.buffer ? ByteView(*request.buffer) : ByteView(),
                        end_of(request.is_last, StreamBuilder::End::kKeepBuffer));
}

StreamPlan plan_stream(const Context& context,
                       wire::CreateCourierEnvelopesFromTombstoneRange request) {
  using Reply = wire::CreateCourierEnvelopesFromTombstoneRangeReply;
  auto destination = destination_of(request.dest_write_cap, request.dest_start_index, std::nullopt,
                                    request.max_count);
  if (!destination) return {nullptr, failed<Reply>(request, ThinCode::kInvalidRequest)};
  if (request.max_count == 0) {
    // The real daemon's answer: the buffer that came along is dropped.
    Reply reply;
    reply.query_id = request.query_id;
    reply.next_dest_index = *request.dest_start_index;
    return {nullptr, std::move(reply)};
  }
  std::vector<Destination> destinations;
  destinations.push_back(*std::move(destination));
  return planned<Reply>(context, request, std::move(destinations),
                        request.buffer ? ByteView(*request.buffer) : ByteView(),
                        end_of(request.is_last, StreamBuilder::End::kKeepBuffer));
}

wire::Response stream_reply(StreamPlan plan, StreamBuilder::Progress progress) {
  std::visit(
      [&](auto& reply) {
        if constexpr (requires { reply.envelopes; }) {
          if (progress == StreamBuilder::Progress::kDone) {
            reply.envelopes = envelopes_of(*plan.builder);
            fill(reply, *plan.builder, plan.builder->end() == StreamBuilder::End::kKeepBuffer);
          } else {
            reply.error_code = number(ThinCode::kInternalError);
          }
        }
      },
      plan.reply);
  return std::move(plan.reply);
}

std::optional<wire::Response> error_reply(std::string_view key, const wire::Id16& query_id,
                                          std::uint8_t code) {
  std::optional<wire::Response> out;
  find_reply(std::string(key) + "_reply", query_id, code, out);
  return out;
}

}  // namespace taubenpost::localnet
