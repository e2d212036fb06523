#include "localnet/client.h"

#include <algorithm>
#include <utility>

#include "base/random.h"
#include "crypto/hash.h"
#include "wire/errors.h"

namespace taubenpost::localnet {
namespace {

using wire::ThinCode;

// A request whose answers may differ is not the same request.
Bytes fingerprint_of(const wire::StartResendingEncryptedMessage& request) {
  crypto::Blake2b256 hash;
  hash.update(*request.message_ciphertext);
  hash.update(*request.envelope_descriptor);
  Bytes out = to_bytes(hash.finish());
  out.push_back(request.read_cap ? 1 : 0);
  out.push_back(request.no_retry_on_box_id_not_found.value ? 1 : 0);
  out.push_back(request.no_idempotent_box_already_exists.value ? 1 : 0);
  return out;
}

Bytes zero_extended(Bytes bytes, std::int64_t size) {
  bytes.resize(std::max(bytes.size(), static_cast<std::size_t>(size)));
  return bytes;
}

std::optional<EncryptedOperation::Plan> plan_of(const wire::StartResendingEncryptedMessage& request,
                                                bool takes_any_index) {
  auto descriptor = wire::decode_descriptor(*request.envelope_descriptor);
  if (!descriptor) return std::nullopt;
  EncryptedOperation::Plan plan;
  plan.descriptor = std::move(descriptor).value();
  plan.retry_not_found = !request.no_retry_on_box_id_not_found.value;
  plan.confirm = request.no_idempotent_box_already_exists.value;
  if (request.write_cap)
    return bacap::WriteCap::parse(*request.write_cap) ? std::optional(std::move(plan))
                                                      : std::nullopt;
  const auto cap = bacap::ReadCap::parse(*request.read_cap);
  const auto& index = request.message_box_index;
  const bool is_index = index && bacap::MessageBoxIndex::parse(*index);
  if (!cap || !(is_index || takes_any_index)) return std::nullopt;
  plan.read = EncryptedOperation::Read{cap.value(), index};
  return plan;
}

// The part of a stored reply that has no fixed size.
std::size_t content_size(const wire::Response& response) {
  if (const auto* read = std::get_if<wire::StartResendingEncryptedMessageReply>(&response))
    return read->plaintext ? read->plaintext->size() : 0;
  if (const auto* message = std::get_if<wire::MessageReplyEvent>(&response))
    return message->payload ? message->payload->size() : 0;
  return 0;
}

bool is_complete(const wire::StartResendingEncryptedMessage& request) {
  return request.query_id && request.envelope_hash && request.message_ciphertext &&
         !request.message_ciphertext->empty() && request.envelope_descriptor &&
         !request.envelope_descriptor->empty() &&
         request.read_cap.has_value() != request.write_cap.has_value();
}

}  // namespace

Client::Client(const Context& context)
    : context_(context), line_(context.slots.make_line()), app_id_(random_array<16>()) {}

void Client::attach(Deliver deliver) {
  deliver_ = std::move(deliver);
  stored_memory_.reset();
  context_.slots.set_open(*line_, true);
  for (const auto& response : std::exchange(stored_, {})) deliver_(response);
  stored_messages_ = 0;
}

void Client::detach(std::unique_ptr<BufferBudget::Share> memory) {
  deliver_ = nullptr;
  stored_memory_ = std::move(memory);
  for (const auto& response : stored_) count(response);
  if (!context_.behaviour.absence_kills_operations) return;
  line_->follow_ups.clear();
  context_.slots.set_open(*line_, false);
}

void Client::clear() {
  running_.clear();
  hidden_.clear();
  stored_.clear();
  stored_messages_ = 0;
  stored_memory_.reset();
  alive_ = std::make_shared<bool>(true);  // the answers of messages under way belong to nobody
}

void Client::answer(const wire::Response& response) {
  if (deliver_ != nullptr) deliver_(response);
}

void Client::deliver(const wire::Response& response) {
  if (deliver_ != nullptr) return deliver_(response);
  // Final replies are bounded by the operations; messages have a limit of their own.
  const bool is_message = std::holds_alternative<wire::MessageReplyEvent>(response);
  if (std::holds_alternative<wire::MessageSentEvent>(response)) return;
  if (!is_message && context_.behaviour.absence_kills_operations) return;
  if (is_message && stored_messages_ >= kStoredMessagesMax) return;
  if (is_message) ++stored_messages_;
  stored_.push_back(response);
  count(response);
}

void Client::count(const wire::Response& stored) {
  if (stored_memory_ != nullptr) stored_memory_->add(sizeof stored + content_size(stored));
}

void Client::start(const wire::StartResendingEncryptedMessage& request) {
  const auto refused = [&](ThinCode code) {
    refuse(Kind::kEncrypted, request.query_id, wire::number(code));
  };
  if (!is_complete(request)) return refused(ThinCode::kInvalidRequest);
  auto plan = plan_of(request, context_.behaviour.takes_any_read_index);
  if (!plan) return refused(ThinCode::kInvalidRequest);
  if (request.message_ciphertext->size() > context_.directory.geometry().user_forward_payload)
    return refused(ThinCode::kInternalError);
  const auto listed = context_.directory.listed_couriers(context_.knobs);
  if (listed.empty()) return refused(ThinCode::kInternalError);
  const Key key{Kind::kEncrypted, *request.envelope_hash};
  run(key, *request.query_id, fingerprint_of(request), [&](Operation::Done done) {
    const std::size_t courier = listed[context_.random.below(listed.size())];
    return std::make_shared<EncryptedOperation>(
        context_, line_, courier, *request.message_ciphertext, *std::move(plan), std::move(done));
  });
}

void Client::start(const wire::StartResendingCopyCommand& request) {
  if (!request.query_id || !request.write_cap)
    return refuse(Kind::kCopy, request.query_id, wire::number(ThinCode::kInvalidRequest));
  const auto& couriers = context_.directory.couriers();
  const auto listed = context_.directory.listed_couriers(context_.knobs);
  if (listed.empty())
    return refuse(Kind::kCopy, request.query_id, wire::number(ThinCode::kInternalError));
  std::size_t courier = listed[context_.random.below(listed.size())];
  // Half a pin is no pin.
  const auto& hash = request.courier_identity_hash.value;
  const auto& queue = request.courier_queue_id.value;
  if (hash && queue) {
    const auto found = std::find_if(listed.begin(), listed.end(), [&](std::size_t position) {
      const Service& service = couriers[position];
      return service.identity_hash == *hash && service.queue_id == as_text(*queue);
    });
    if (found == listed.end())
      return refuse(Kind::kCopy, request.query_id, wire::number(ThinCode::kInternalError));
    courier = *found;
  }
  const Key key{Kind::kCopy, bacap::copy_key(*request.write_cap)};
  const bool pinned = hash && queue;
  const Bytes fingerprint{static_cast<std::uint8_t>(pinned ? courier : couriers.size())};
  run(key, *request.query_id, fingerprint, [&](Operation::Done done) {
    return std::make_shared<CopyOperation>(context_, line_, courier, *request.write_cap,
                                           std::move(done));
  });
}

// Joins what runs already, if that is the same; false if not. A client that comes back repeats its
// requests byte for byte, which asks for nothing new.
bool Client::share(const Key& key, const Bytes16& query_id, const Bytes& fingerprint) {
  constexpr std::size_t kSharersMax = 64;
  const auto found = running_.find(key);
  if (found == running_.end() || found->second.fingerprint != fingerprint) return false;
  auto& sharers = found->second.query_ids;
  if (std::find(sharers.begin(), sharers.end(), query_id) != sharers.end()) return true;
  if (sharers.size() >= kSharersMax) return false;
  sharers.push_back(query_id);
  return true;
}

// Out of the reach of cancels.
void Client::hide(const Key& key) {
  auto node = running_.extract(key);
  if (!node.empty()) hidden_.insert(std::move(node));
}

bool Client::is_full() const {
  return running_.size() + hidden_.size() >= kOperationsMax ||
         line_->fresh.size() >= kOperationsMax;
}

// A start of what runs already shares its answer, if it asks for the same; else it takes its place.
template <class Make>
void Client::run(const Key& key, const Bytes16& query_id, Bytes fingerprint, Make make) {
  if (context_.behaviour.runs_every_start) hide(key);
  if (share(key, query_id, fingerprint)) return;
  cancel(key, *this);
  if (is_full()) return refuse(key.first, query_id, wire::number(ThinCode::kInternalError));
  const auto owner = std::make_shared<Client*>(this);
  auto done = [key, weak = std::weak_ptr<Client*>(owner)](const OperationResult& result) {
    if (const auto alive = weak.lock()) (*alive)->finish(key, alive, result);
  };
  auto operation = make(std::move(done));
  operation->start();
  running_[key] = Running{std::move(operation), {query_id}, std::move(fingerprint), owner};
}

void Client::adopt(Client& other) {
  for (auto& [key, running] : std::exchange(other.running_, {})) {
    std::erase_if(running.query_ids,
                  [&](const Bytes16& id) { return share(key, id, running.fingerprint); });
    if (running.query_ids.empty()) continue;
    cancel(key, *this);
    *running.owner = this;
    running_[key] = std::move(running);
  }
}

// Whichever of several with one hash ends, the hash leads to none any more.
void Client::finish(const Key& key, const Owner& owner, const OperationResult& result) {
  hide(key);
  auto [at, last] = hidden_.equal_range(key);
  at = std::find_if(at, last, [&](const auto& entry) { return entry.second.owner == owner; });
  if (at == last) return;
  const auto node = hidden_.extract(at);
  end(key, node.mapped(), result);
}

void Client::end(const Key& key, const Running& running, const OperationResult& result) {
  for (const Bytes16& query_id : running.query_ids)
    reply(key.first, query_id, running.operation->courier(), result);
}

void Client::reply(Kind kind, const Bytes16& query_id, std::size_t courier,
                   const OperationResult& result) {
  if (kind == Kind::kCopy) {
    wire::StartResendingCopyCommandReply reply;
    reply.query_id = query_id;
    reply.error_code = result.error_code;
    reply.replica_error_code.value = result.replica_code;
    reply.failed_envelope_index.value = result.failed_envelope;
    return deliver(reply);
  }
  const Service& service = context_.directory.couriers()[courier];
  wire::StartResendingEncryptedMessageReply reply;
  reply.query_id = query_id;
  reply.error_code = result.error_code;
  reply.plaintext = result.plaintext;
  reply.courier_identity_hash = service.identity_hash;
  reply.courier_queue_id = to_bytes(as_bytes(service.queue_id));
  deliver(reply);
}

// Before an operation has started its reply names no courier.
void Client::refuse(Kind kind, const wire::Id16& query_id, std::uint8_t code) {
  if (kind == Kind::kCopy) {
    wire::StartResendingCopyCommandReply reply;
    reply.query_id = query_id;
    reply.error_code = code;
    return deliver(reply);
  }
  wire::StartResendingEncryptedMessageReply reply;
  reply.query_id = query_id;
  reply.error_code = code;
  deliver(reply);
}

void Client::cancel(const Key& key, Client& hearer) {
  const auto node = running_.extract(key);
  if (node.empty()) return;
  hearer.end(key, node.mapped(),
             {wire::number(ThinCode::kStartResendingCancelled), std::nullopt, 0, 0});
}

// Messages to services, of which only echo answers; a message without a reply block is never
// reported on.
void Client::send(const wire::SendMessage& request) {
  const auto& directory = context_.directory;
  const auto limit = directory.sphinx_geometry().user_forward_payload_length;
  if (!request.with_surb) return;
  if (!request.surbid) return send_failed(request, "a reply block needs a surbid");
  if (!request.destination_id_hash) return send_failed(request, "no destination");
  if (!request.recipient_queue_id || request.recipient_queue_id->empty())
    return send_failed(request, "no recipient");
  if (request.recipient_queue_id->size() > 32) return send_failed(request, "recipient too long");
  const Bytes payload = request.payload.value_or(Bytes());
  if (payload.size() > static_cast<std::size_t>(limit))
    return send_failed(request, "payload too long");
  const auto service = directory.service_at(*request.destination_id_hash,
                                            as_text(*request.recipient_queue_id), context_.knobs);
  if (!service) return send_failed(request, "no such service");
  const bool is_answered = *service == "echo";

  if (context_.behaviour.queues_unread) return send_now(request, payload, is_answered);
  if (is_full()) return send_failed(request, "too many requests wait");
  context_.slots.wait(line_, Turn::kFresh,
                      [this, request, payload, is_answered, alive = std::weak_ptr<bool>(alive_)] {
                        if (alive.expired()) return false;
                        send_now(request, payload, is_answered);
                        return true;
                      });
}

void Client::send_now(const wire::SendMessage& request, const Bytes& payload, bool is_answered) {
  const Mixnet::Trip trip = context_.mixnet.draw();
  wire::MessageSentEvent sent;
  sent.message_id = request.id;
  sent.surbid = request.surbid;
  sent.sent_at = static_cast<std::int64_t>(context_.scheduler.unix_ms() / 1000);
  sent.reply_eta = std::chrono::nanoseconds(trip.promised).count();
  deliver(sent);
  if (!trip.returns || !is_answered) return;
  wire::MessageReplyEvent answer;
  answer.message_id = request.id;
  answer.surbid = request.surbid;
  answer.payload =
      zero_extended(payload, context_.directory.sphinx_geometry().forward_payload_length);
  const auto arrive = [this, answer, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) deliver(answer);
  };
  defer(context_.scheduler, trip.there + trip.back,
        [&gateway = context_.gateway, arrive] { gateway.bring(arrive); });
}

void Client::send_failed(const wire::SendMessage& request, const char* why) {
  wire::MessageSentEvent event;
  event.message_id = request.id;
  event.surbid = request.surbid;
  event.sent_at = static_cast<std::int64_t>(context_.scheduler.unix_ms() / 1000);
  event.err.value = why;
  deliver(event);
}

}  // namespace taubenpost::localnet
