#include "localnet/operation.h"

#include <algorithm>
#include <utility>

#include "bacap/padding.h"
#include "localnet/verdicts.h"
#include "wire/errors.h"

namespace taubenpost::localnet {
namespace {

using bacap::ReplicaCode;
using wire::ThinCode;

// Pauses of a poll: 1, 2, 4 … ms, at most a second.
constexpr unsigned kPollDoublings = 10;
constexpr Milliseconds kPollPauseMax{1'000};
// Until it is tried again to send for a client that is away.
constexpr Milliseconds kAbsencePause{100};

OperationResult ended(ThinCode code) { return {wire::number(code), std::nullopt, 0, 0}; }
OperationResult ended(ReplicaCode code) {
  return {static_cast<std::uint8_t>(code), std::nullopt, 0, 0};
}

}  // namespace

Operation::Operation(const Context& context, SlotClock::LinePtr line, std::size_t courier,
                     Bytes query, Done done)
    : context_(context),
      line_(std::move(line)),
      courier_(courier),
      query_(std::make_shared<const Bytes>(std::move(query))),
      done_(std::move(done)) {}

Operation::~Operation() { context_.scheduler.cancel(timer_); }

// What waited unread for its slot has one.
void Operation::start() {
  if (context_.behaviour.queues_unread) return send_now();
  send(Turn::kFresh);
}

void Operation::send(Turn turn) {
  if (turn == Turn::kFollowUp && !line_->is_open) return send_after(kAbsencePause);
  context_.slots.wait(line_, turn, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr || self->done_ == nullptr) return false;
    self->send_now();
    return true;
  });
}

void Operation::send_now() {
  const std::uint64_t transmission = ++transmission_;
  const Milliseconds round_trip = context_.mixnet.send(
      courier_, query_, [weak = weak_from_this(), transmission](const Bytes& reply) {
        if (const auto self = weak.lock()) self->take_bytes(transmission, reply);
      });
  arm(round_trip + context_.knobs.retransmit, /*is_retransmission=*/true);
}

void Operation::take_bytes(std::uint64_t transmission, const Bytes& reply) {
  if (transmission != transmission_ || done_ == nullptr) return;
  context_.scheduler.cancel(std::exchange(timer_, 0));
  if (!line_->is_open) return;  // nobody is there: nothing will happen any more
  const auto parsed = bacap::parse_courier_query_reply(reply);
  if (!parsed) return finish(ended(ThinCode::kInternalError));
  take(parsed->value);
}

void Operation::send_after(Milliseconds delay) { arm(delay, /*is_retransmission=*/false); }

void Operation::look_again() {
  if (context_.knobs.slot_rate > 0) return send(Turn::kFollowUp);
  send_after(context_.knobs.not_found_poll);
}

void Operation::poll_soon() {
  if (context_.knobs.slot_rate > 0) return send(Turn::kFollowUp);
  send_after(std::min(Milliseconds(1U << std::min(polls_, kPollDoublings)), kPollPauseMax));
  ++polls_;
}

void Operation::arm(Milliseconds delay, bool is_retransmission) {
  context_.scheduler.cancel(timer_);
  timer_ = context_.scheduler.after(delay, [weak = weak_from_this(), is_retransmission] {
    const auto self = weak.lock();
    if (self == nullptr || self->done_ == nullptr) return;
    if (is_retransmission) ++self->context_.audit.retransmissions;
    self->send(Turn::kFollowUp);
  });
}

void Operation::finish(OperationResult result) {
  context_.scheduler.cancel(std::exchange(timer_, 0));
  if (const auto done = std::exchange(done_, nullptr)) done(std::move(result));
}

EncryptedOperation::EncryptedOperation(const Context& context, SlotClock::LinePtr line,
                                       std::size_t courier, Bytes query, Plan plan, Done done)
    : Operation(context, std::move(line), courier, std::move(query), std::move(done)),
      plan_(std::move(plan)) {}

void EncryptedOperation::take(const bacap::CourierQueryReply& reply) {
  const auto* answer = std::get_if<bacap::CourierEnvelopeReply>(&reply);
  if (answer == nullptr) return finish(ended(ThinCode::kInternalError));
  if (answer->error_code != 0) return finish(ended(thin_code(answer->error_code)));
  if (answer->type == bacap::EnvelopeReplyType::kPayload) {
    const auto self = std::static_pointer_cast<EncryptedOperation>(shared_from_this());
    context().decrypter.run(context().knobs.decrypt_time,
                            [weak = std::weak_ptr(self), payload = answer->payload] {
                              if (const auto alive = weak.lock()) alive->evaluate(payload);
                            });
    return;
  }
  // Accepted by the courier: all that a default write waits for.
  if (!plan_.read && !plan_.confirm) return finish({});
  poll_soon();
}

void EncryptedOperation::evaluate(const Bytes& payload) {
  const auto padded = open_payload(payload);
  if (!padded) return finish(ended(ThinCode::kMkemDecryptionFailed));
  const auto inner = bacap::unpad(*padded);
  if (!inner) return finish(ended(ThinCode::kInternalError));
  auto reply = bacap::parse_replica_inner_reply(inner.value());
  if (!reply || std::holds_alternative<bacap::ReplicaReadReply>(reply->value) != !!plan_.read)
    return finish(ended(ThinCode::kInternalError));
  if (plan_.read) return evaluate_read(std::move(std::get<bacap::ReplicaReadReply>(reply->value)));
  evaluate_write(
      static_cast<ReplicaCode>(std::get<bacap::ReplicaWriteReply>(reply->value).error_code));
}

// Either replica may have answered, with the key that it has published for the envelope's epoch.
std::optional<Bytes> EncryptedOperation::open_payload(const Bytes& payload) const {
  const auto& descriptor = plan_.descriptor;
  if (!bacap::in_epoch_window(descriptor.epoch, context().replica_epoch())) return std::nullopt;
  for (const ReplicaId replica : descriptor.replicas) {
    if (!context().directory.has_replica(replica)) continue;
    const auto& keys = context().directory.envelope_keys(replica, descriptor.epoch);
    const auto secret = bacap::nike_secret(descriptor.envelope_key, keys.public_key);
    if (!secret) continue;
    auto opened = bacap::open_reply(secret.value(), payload);
    if (opened) return std::move(opened).value();
  }
  return std::nullopt;
}

void EncryptedOperation::evaluate_read(bacap::ReplicaReadReply reply) {
  const auto code = static_cast<ReplicaCode>(reply.error_code);
  const ReplicaFlags flags{.is_read = true, .no_retry_on_box_id_not_found = !plan_.retry_not_found};
  if (judge(code, flags) == ReplicaVerdict::kAskAgain) return look_again();
  if (code != ReplicaCode::kSuccess && code != ReplicaCode::kTombstone) return finish(ended(code));
  if (!plan_.read->index) return evaluate_unchecked(reply);
  const auto index = bacap::MessageBoxIndex::parse(*plan_.read->index);
  if (!index) return finish(ended(ThinCode::kBacapDecryptionFailed));
  // A tombstone is believed only for the box that was asked for.
  if (code == ReplicaCode::kTombstone) reply.box.payload.clear();
  const auto opened = bacap::open_box(plan_.read->cap, index.value(), reply.box);
  const bool is_tombstone = reply.box.is_tombstone();
  if (opened.error != bacap::OpenError::kNone)
    return finish(ended(is_tombstone ? ThinCode::kInvalidTombstoneSignature
                                     : ThinCode::kBacapDecryptionFailed));
  if (is_tombstone) return finish(ended(ReplicaCode::kTombstone));
  auto plaintext = bacap::unpad(opened.plaintext);
  if (!plaintext) return finish(ended(ThinCode::kInternalError));
  finish({0, std::move(plaintext).value(), 0, 0});
}

void EncryptedOperation::evaluate_unchecked(const bacap::ReplicaReadReply& reply) {
  if (reply.box.is_tombstone()) return finish(ended(ReplicaCode::kTombstone));
  auto plaintext = bacap::unpad(reply.box.payload);
  if (!plaintext) return finish(ended(ThinCode::kInternalError));
  finish({0, std::move(plaintext).value(), 0, 0});
}

void EncryptedOperation::evaluate_write(ReplicaCode code) {
  const ReplicaFlags flags{.no_idempotent_box_already_exists = plan_.confirm};
  const bool is_repeat = judge(code, flags) == ReplicaVerdict::kSuccess;
  finish(ended(is_repeat ? ReplicaCode::kSuccess : code));
}

CopyOperation::CopyOperation(const Context& context, SlotClock::LinePtr line, std::size_t courier,
                             ByteView write_cap, Done done)
    : Operation(context, std::move(line), courier,
                bacap::encode(bacap::CourierQuery(bacap::CopyCommand{to_bytes(write_cap)})),
                std::move(done)) {}

void CopyOperation::take(const bacap::CourierQueryReply& reply) {
  const auto* answer = std::get_if<bacap::CopyCommandReply>(&reply);
  if (answer == nullptr) return finish(ended(ThinCode::kInternalError));
  switch (static_cast<bacap::CopyStatus>(answer->status)) {
    case bacap::CopyStatus::kInProgress:
      return send_after(context().knobs.copy_poll);
    case bacap::CopyStatus::kSucceeded:
      return finish({});
    case bacap::CopyStatus::kFailed:
      return finish({wire::number(ThinCode::kCopyCommandFailed), std::nullopt, answer->error_code,
                     answer->failed_envelope_index});
  }
  finish(ended(ThinCode::kInternalError));
}

}  // namespace taubenpost::localnet
