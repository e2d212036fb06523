#include "thin/client.h"

#include <span>
#include <utility>

#include "thin/impl.h"
#include "wire/errors.h"

namespace taubenpost::thin {
namespace asio = boost::asio;
namespace {

constexpr Limit kConnectLimit{120'000};
constexpr Limit kLocalLimit{60'000};
constexpr Limit kEnvelopeLimit{10'000};  // more for each envelope (thin-protocol 8.6)

constexpr std::uint64_t kPayloadMax = 10'485'760;       // of one destination
constexpr std::uint64_t kPayloadTotalMax = 16'777'216;  // of one call (thin-protocol 8.3)
constexpr std::uint32_t kTombstonesMax = 1'000;         // of one call
constexpr std::uint64_t kEnvelopeOverhead = 454;        // thin-protocol 6.7
constexpr std::uint64_t kElementOverhead = 16;          // flags, length and CBOR head

TimePoint deadline_of(Limit limit, Limit fallback) {
  return deadline_after(limit == kDefaultLimit ? fallback : limit);
}

Limit builder_limit(std::uint64_t boxes) {
  return kLocalLimit + kEnvelopeLimit * static_cast<Limit::rep>(boxes);
}

Error wrong(std::string what) { return error(Errc::kRejected, std::move(what)); }

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

// The codes that local calls give (thin-protocol 5.4).
Error code_error(const char* call, std::uint8_t code) {
  const std::string what = std::string(call) + ": " + wire::describe_thin(code);
  if (code == wire::number(wire::ThinCode::kServiceUnavailable))
    return error(Errc::kNotFound, what);  // a document or authorities that the daemon has not
  const bool again = code == wire::number(wire::ThinCode::kInternalError);
  return error(again ? Errc::kTemporary : Errc::kRejected, what);
}

// The reply of the expected kind with code 0.
template <class Reply>
Result<Reply> expect(const char* call, Result<wire::Response> response) {
  if (!response) return response.error();
  auto* reply = std::get_if<Reply>(&*response);
  if (reply == nullptr)
    return error(Errc::kInvalid, std::string(call) + ": the daemon sent a reply of another kind");
  if (reply->error_code != 0) return code_error(call, reply->error_code);
  return std::move(*reply);
}

Error incomplete(const char* call) {
  return error(Errc::kInvalid, std::string(call) + ": the daemon's reply lacks a field");
}

template <std::size_t N>
std::array<std::uint8_t, N> raw(const SecretArray<N>& secret) {
  return to_array<N>(secret.view());
}

template <class Reply>
Result<Envelope> envelope_of(const char* call, Result<wire::Response> response) {
  Result<Reply> reply = expect<Reply>(call, std::move(response));
  if (!reply) return reply.error();
  if (!reply->message_ciphertext || !reply->envelope_descriptor || !reply->envelope_hash ||
      !reply->next_message_box_index)
    return incomplete(call);
  return Envelope{std::move(*reply->message_ciphertext),
                  SecretBytes(std::move(*reply->envelope_descriptor)), *reply->envelope_hash,
                  *reply->next_message_box_index};
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

Client::Client(asio::any_io_executor executor, Options options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(options))) {}

Client::~Client() { impl_->stop(); }

asio::awaitable<Status> Client::connect(Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  co_return co_await impl->connect(deadline_of(limit, kConnectLimit));
}

asio::awaitable<void> Client::close() {
  const std::shared_ptr<Impl> impl = impl_;
  co_await impl->close();
}

bool Client::is_open() const { return impl_->link().is_open(); }
bool Client::is_connected() const { return impl_->link().is_online(); }
const wire::PigeonholeGeometry* Client::geometry() const { return impl_->link().pigeonhole(); }
const wire::SphinxGeometry* Client::sphinx_geometry() const { return impl_->link().sphinx(); }
std::optional<Bytes16> Client::instance_token() const { return impl_->link().instance(); }
std::shared_ptr<const wire::PkiDocument> Client::document() const {
  return impl_->link().document();
}

std::vector<CourierId> Client::services(const std::string& capability) const {
  const std::shared_ptr<const wire::PkiDocument> current = document();
  return current ? services_of(*current, capability) : std::vector<CourierId>{};
}

std::shared_ptr<Subscription> Client::subscribe(std::size_t capacity) {
  return impl_->subscribe(capacity);
}

asio::awaitable<Result<KeyPair>> Client::new_keypair(const Bytes32& seed, Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  Result<Draft> request = Draft::make(wire::NewKeypair{std::nullopt, to_bytes(seed)});
  Result<wire::Response> response =
      co_await impl->call(std::move(request), deadline_of(limit, kLocalLimit));
  auto reply = expect<wire::NewKeypairReply>("new_keypair", std::move(response));
  if (!reply) co_return reply.error();
  if (!reply->write_cap || !reply->read_cap || !reply->first_message_index)
    co_return incomplete("new_keypair");
  KeyPair pair{WriteCap(*reply->write_cap), *reply->read_cap, *reply->first_message_index};
  wipe_message(*reply);
  co_return pair;
}

asio::awaitable<Result<Envelope>> Client::encrypt_read(ReadCap read_cap, BoxIndex index,
                                                       Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  Result<Draft> request = Draft::make(wire::EncryptRead{std::nullopt, read_cap, index});
  Result<wire::Response> response =
      co_await impl->call(std::move(request), deadline_of(limit, builder_limit(1)));
  co_return envelope_of<wire::EncryptReadReply>("encrypt_read", std::move(response));
}

asio::awaitable<Result<Envelope>> Client::encrypt_write(ByteView plaintext,
                                                        const WriteCap& write_cap, BoxIndex index,
                                                        Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  const TimePoint deadline = deadline_of(limit, builder_limit(1));
  Result<std::uint64_t> box_max = co_await impl->box_max(deadline);
  if (!box_max) co_return box_max.error();
  if (plaintext.empty()) co_return wrong("encrypt_write: an empty plaintext would delete the box");
  if (plaintext.size() > *box_max)
    co_return wrong("encrypt_write: " + std::to_string(plaintext.size()) +
                    " bytes are more than a box holds");
  Result<Draft> request =
      Draft::make(wire::EncryptWrite{std::nullopt, to_bytes(plaintext), raw(write_cap), index});
  Result<wire::Response> response = co_await impl->call(std::move(request), deadline);
  co_return envelope_of<wire::EncryptWriteReply>("encrypt_write", std::move(response));
}

asio::awaitable<Result<Envelope>> Client::encrypt_tombstone(const WriteCap& write_cap,
                                                            BoxIndex index, Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  Result<Draft> request =
      Draft::make(wire::EncryptWrite{std::nullopt, Bytes{}, raw(write_cap), index});
  Result<wire::Response> response =
      co_await impl->call(std::move(request), deadline_of(limit, builder_limit(1)));
  co_return envelope_of<wire::EncryptWriteReply>("encrypt_tombstone", std::move(response));
}

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
  if (count == 0 || count > kTombstonesMax)
    co_return wrong("a tombstone range has 1 to " + std::to_string(kTombstonesMax) + " boxes");
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

asio::awaitable<Result<BoxIndex>> Client::next_message_box_index(BoxIndex index, Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  Result<Draft> request = Draft::make(wire::NextMessageBoxIndex{std::nullopt, index});
  Result<wire::Response> response =
      co_await impl->call(std::move(request), deadline_of(limit, kLocalLimit));
  auto reply =
      expect<wire::NextMessageBoxIndexReply>("next_message_box_index", std::move(response));
  if (!reply) co_return reply.error();
  if (!reply->next_message_box_index) co_return incomplete("next_message_box_index");
  co_return *reply->next_message_box_index;
}

asio::awaitable<Result<std::uint64_t>> Client::message_box_index_counter(BoxIndex index,
                                                                         Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  Result<Draft> request = Draft::make(wire::GetMessageBoxIndexCounter{std::nullopt, index});
  Result<wire::Response> response =
      co_await impl->call(std::move(request), deadline_of(limit, kLocalLimit));
  auto reply = expect<wire::GetMessageBoxIndexCounterReply>("get_message_box_index_counter",
                                                            std::move(response));
  if (!reply) co_return reply.error();
  co_return reply->counter;
}

asio::awaitable<Result<Bytes>> Client::get_pki_document(std::uint64_t epoch, Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  Result<Draft> request = Draft::make(wire::GetPkiDocument{std::nullopt, epoch});
  Result<wire::Response> response =
      co_await impl->call(std::move(request), deadline_of(limit, kLocalLimit));
  auto reply = expect<wire::GetPkiDocumentReply>("get_pki_document", std::move(response));
  if (!reply) co_return reply.error();
  if (!reply->payload) co_return incomplete("get_pki_document");
  co_return std::move(*reply->payload);
}

asio::awaitable<Result<std::vector<wire::DirectoryAuthority>>> Client::directory_authorities(
    Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  Result<Draft> request = Draft::make(wire::GetDirectoryAuthorities{});
  Result<wire::Response> response =
      co_await impl->call(std::move(request), deadline_of(limit, kLocalLimit));
  auto reply =
      expect<wire::GetDirectoryAuthoritiesReply>("get_directory_authorities", std::move(response));
  if (!reply) co_return reply.error();
  co_return std::move(reply->authorities).value_or(std::vector<wire::DirectoryAuthority>{});
}

}  // namespace taubenpost::thin
