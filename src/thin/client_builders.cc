// The envelope builders of the client: elements of copy streams, within the limits of one frame.
#include <span>
#include <utility>

#include "thin/client.h"
#include "thin/impl.h"
#include "thin/reply.h"

namespace taubenpost::thin {
namespace asio = boost::asio;
namespace {

constexpr std::uint64_t kPayloadMax = 10'485'760;       // of one destination
constexpr std::uint64_t kPayloadTotalMax = 16'777'216;  // of one call (thin-protocol 8.3)
constexpr std::uint64_t kEnvelopeOverhead = 454;        // thin-protocol 6.7
constexpr std::uint64_t kElementOverhead = 16;          // flags, length and CBOR head

std::uint64_t boxes_for(std::uint64_t size, std::uint64_t box_max) {
  const std::uint64_t chunk = box_max - 4;
  return (size + chunk - 1) / chunk;
}

// Refuses what the daemon would answer with a frame that nobody may read (thin-protocol 8.3).
Status check_reply_fits(std::uint64_t boxes, std::uint64_t buffer, std::uint64_t box_max) {
  const std::uint64_t stream = boxes * (box_max + kEnvelopeOverhead) + buffer;
  const std::uint64_t elements = stream / (box_max - 5) + 1;
  if (stream + elements * kElementOverhead > wire::kFrameMax / 2)
    return wrong("the elements of this call would not fit into one frame");
  return ok();
}

// Elements may be null: a valid, empty result (thin-protocol 8.1).
Result<std::vector<Bytes>> elements_of(const char* call,
                                       std::optional<std::vector<wire::OptBytes>> envelopes) {
  std::vector<Bytes> elements;
  if (!envelopes) return elements;
  for (wire::OptBytes& envelope : *envelopes) {
    if (!envelope || envelope->empty()) return incomplete(call);
    elements.push_back(std::move(*envelope));
  }
  return elements;
}

wire::OptBytes optional_buffer(ByteView buffer) {
  if (buffer.empty()) return std::nullopt;
  return to_bytes(buffer);
}

// The boxes that the payloads fill, all of them within the limits of one call.
Result<std::uint64_t> check_payloads(std::span<const Destination> destinations, ByteView buffer,
                                     std::uint64_t box_max) {
  if (destinations.empty()) return wrong("a builder call needs a destination");
  std::uint64_t boxes = 0, total = 0;
  for (const Destination& destination : destinations) {
    const std::uint64_t size = destination.payload.size();
    if (destination.write_cap == nullptr) return wrong("a destination without a capability");
    // Nothing is built from 0 bytes: such a call can't carry the marks of the stream.
    if (size == 0 || size > kPayloadMax)
      return wrong("the payload of a destination has 1 to " + std::to_string(kPayloadMax) +
                   " bytes, not " + std::to_string(size));
    total += size;
    boxes += boxes_for(size, box_max);
  }
  if (total > kPayloadTotalMax) return wrong("the payloads of one call exceed 16 MiB");
  TP_TRY(check_reply_fits(boxes, buffer.size(), box_max));
  return boxes;
}

Result<Draft> multi_payload_draft(const std::vector<Destination>& destinations,
                                  const StreamPart& part) {
  wire::CreateCourierEnvelopesFromMultiPayload message;
  message.destinations.emplace();
  for (const Destination& destination : destinations)
    message.destinations->push_back(wire::DestinationPayload{
        to_bytes(destination.payload), raw(*destination.write_cap), destination.start});
  message.is_start = part.is_start;
  message.is_last = part.is_last;
  message.buffer = optional_buffer(part.buffer);
  return Draft::make(std::move(message));
}

}  // namespace

asio::awaitable<Result<CopyElements>> Client::create_courier_envelopes_from_payload(
    const Destination& destination, bool is_start, bool is_last, Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  Result<std::uint64_t> box_max = co_await impl->box_max(deadline_of(limit, kConnectLimit));
  if (!box_max) co_return box_max.error();
  const Result<std::uint64_t> boxes = check_payloads({&destination, 1}, ByteView{}, *box_max);
  if (!boxes) co_return boxes.error();
  Result<Draft> request = Draft::make(wire::CreateCourierEnvelopesFromPayload{
      std::nullopt, to_bytes(destination.payload), raw(*destination.write_cap), destination.start,
      is_start, is_last});
  Result<wire::Response> response =
      co_await impl->call(std::move(request), deadline_of(limit, builder_limit(*boxes)));
  constexpr const char* kCall = "create_courier_envelopes_from_payload";
  auto reply = expect<wire::CreateCourierEnvelopesFromPayloadReply>(kCall, std::move(response));
  if (!reply) co_return reply.error();
  Result<std::vector<Bytes>> elements = elements_of(kCall, std::move(reply->envelopes));
  if (!elements) co_return elements.error();
  if (!reply->next_dest_index) co_return incomplete(kCall);
  co_return CopyElements{std::move(*elements), Bytes{}, {*reply->next_dest_index}};
}

asio::awaitable<Result<CopyElements>> Client::create_courier_envelopes_from_multi_payload(
    const std::vector<Destination>& destinations, const StreamPart& part, Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  Result<std::uint64_t> box_max = co_await impl->box_max(deadline_of(limit, kConnectLimit));
  if (!box_max) co_return box_max.error();
  const Result<std::uint64_t> boxes = check_payloads(destinations, part.buffer, *box_max);
  if (!boxes) co_return boxes.error();
  Result<Draft> request = multi_payload_draft(destinations, part);
  Result<wire::Response> response =
      co_await impl->call(std::move(request), deadline_of(limit, builder_limit(*boxes)));
  constexpr const char* kCall = "create_courier_envelopes_from_multi_payload";
  auto reply =
      expect<wire::CreateCourierEnvelopesFromMultiPayloadReply>(kCall, std::move(response));
  if (!reply) co_return reply.error();
  Result<std::vector<Bytes>> elements = elements_of(kCall, std::move(reply->envelopes));
  if (!elements) co_return elements.error();
  if (!reply->next_dest_indices || reply->next_dest_indices->size() != destinations.size())
    co_return incomplete(kCall);
  CopyElements built{std::move(*elements), std::move(reply->buffer).value_or(Bytes{}), {}};
  for (const wire::OptIndex& next : *reply->next_dest_indices) {
    if (!next) co_return incomplete(kCall);
    built.next.push_back(*next);
  }
  co_return built;
}

asio::awaitable<Result<CopyElements>> Client::create_courier_envelopes_from_tombstone_range(
    const WriteCap& write_cap, BoxIndex start, std::uint32_t count, const StreamPart& part,
    Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  Result<std::uint64_t> box_max = co_await impl->box_max(deadline_of(limit, kConnectLimit));
  if (!box_max) co_return box_max.error();
  // A count of 0 would drop the buffer (thin-protocol 3.15).
  TP_CO_TRY(check_tombstones(count));
  TP_CO_TRY(check_reply_fits(count, part.buffer.size(), *box_max));
  Result<Draft> request = Draft::make(wire::CreateCourierEnvelopesFromTombstoneRange{
      std::nullopt, raw(write_cap), start, count, part.is_start, part.is_last,
      optional_buffer(part.buffer)});
  Result<wire::Response> response =
      co_await impl->call(std::move(request), deadline_of(limit, builder_limit(count)));
  constexpr const char* kCall = "create_courier_envelopes_from_tombstone_range";
  auto reply =
      expect<wire::CreateCourierEnvelopesFromTombstoneRangeReply>(kCall, std::move(response));
  if (!reply) co_return reply.error();
  Result<std::vector<Bytes>> elements = elements_of(kCall, std::move(reply->envelopes));
  if (!elements) co_return elements.error();
  if (!reply->next_dest_index) co_return incomplete(kCall);
  co_return CopyElements{
      std::move(*elements), std::move(reply->buffer).value_or(Bytes{}), {*reply->next_dest_index}};
}

}  // namespace taubenpost::thin
