// The mixnet half of the client: reads, writes and copies, and their cancels.
#include <utility>

#include "thin/client.h"
#include "thin/impl.h"
#include "thin/reply.h"
#include "wire/errors.h"

namespace taubenpost::thin {
namespace asio = boost::asio;
namespace {

constexpr Limit kStartLimit{1'800'000};
constexpr std::size_t kQueueIdMax = 32;

Status check_envelope(const Envelope& envelope, const wire::SphinxGeometry* geometry) {
  if (envelope.ciphertext.empty() || envelope.descriptor.empty())
    return error(Errc::kRejected, "an envelope without ciphertext or descriptor");
  const auto size = static_cast<std::int64_t>(envelope.ciphertext.size());
  if (geometry != nullptr && size > geometry->user_forward_payload_length)
    return error(Errc::kRejected, "an envelope larger than a packet: made for another geometry");
  return ok();
}

// What reads and writes have in common.
wire::StartResendingEncryptedMessage start_message(const Envelope& envelope) {
  wire::StartResendingEncryptedMessage message;
  message.envelope_descriptor = to_bytes(envelope.descriptor.view());
  message.message_ciphertext = envelope.ciphertext;
  message.envelope_hash = envelope.hash;
  return message;
}

Result<Draft> write_draft(const Envelope& envelope, const WriteCap& write_cap, bool confirmed) {
  wire::StartResendingEncryptedMessage message = start_message(envelope);
  message.write_cap = to_array<168>(write_cap.view());
  message.no_idempotent_box_already_exists.value = confirmed;
  return Draft::make(std::move(message));
}

Result<Draft> read_draft(const Envelope& envelope, const ReadCap& read_cap, const BoxIndex& index,
                         bool report_missing) {
  wire::StartResendingEncryptedMessage message = start_message(envelope);
  message.read_cap = read_cap;
  message.message_box_index = to_bytes(index);
  message.no_retry_on_box_id_not_found.value = report_missing;
  return Draft::make(std::move(message));
}

Result<Draft> copy_draft(const WriteCap& write_cap, const ServiceId& courier) {
  wire::StartResendingCopyCommand message;
  message.write_cap = to_array<168>(write_cap.view());
  message.courier_identity_hash.value = courier.identity_hash;
  message.courier_queue_id.value = courier.queue_id;
  return Draft::make(std::move(message));
}

constexpr wire::Code kCancelledCode =
    wire::thin_code(number(wire::ThinCode::kStartResendingCancelled));

Result<ResendResult> resend_result(const Operation& op, Result<wire::Response> response) {
  if (op.cancelled) return ResendResult{ResendKind::kCancelled, kCancelledCode, {}, std::nullopt};
  if (!response) return response.error();
  auto* reply = std::get_if<wire::StartResendingEncryptedMessageReply>(&*response);
  if (reply == nullptr)
    return error(Errc::kInvalid, "start_resending: the daemon sent a reply of another kind");
  const bool started = reply->courier_identity_hash.has_value();
  ResendResult result;
  result.code = wire::resend_code(reply->error_code, started);
  result.kind = resend_kind(result.code);
  if (started)
    result.courier = ServiceId{*reply->courier_identity_hash,
                               std::move(reply->courier_queue_id).value_or(Bytes{})};
  // By code and direction only: a write has no plaintext, whatever the reply holds.
  if (op.kind == OpKind::kRead && result.kind == ResendKind::kOk) {
    if (!reply->plaintext)
      return error(Errc::kInvalid, "start_resending: a read without plaintext");
    result.plaintext = std::move(*reply->plaintext);
  }
  return result;
}

Result<CopyResult> copy_result(const Operation& op, Result<wire::Response> response) {
  CopyResult result{CopyKind::kCancelled, kCancelledCode};
  if (op.cancelled) return result;
  if (!response) return response.error();
  const auto* reply = std::get_if<wire::StartResendingCopyCommandReply>(&*response);
  if (reply == nullptr)
    return error(Errc::kInvalid, "start_copy: the daemon sent a reply of another kind");
  result.code = wire::thin_code(reply->error_code);
  result.kind = copy_kind(result.code);
  if (result.kind == CopyKind::kFailed) {
    result.replica = wire::replica_code(reply->replica_error_code.value);
    result.failed_envelope = reply->failed_envelope_index.value;
  }
  return result;
}

}  // namespace

asio::awaitable<Result<ResendResult>> Client::start_write(const Envelope& envelope,
                                                          const WriteCap& write_cap,
                                                          WriteOptions options, Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  TP_CO_TRY(check_envelope(envelope, impl->link().sphinx()));
  Result<Draft> request = write_draft(envelope, write_cap, options.confirmed);
  if (!request) co_return request.error();
  const OperationPtr op = impl->make_operation(OpKind::kWrite, envelope.hash, std::move(*request));
  Result<wire::Response> response = co_await impl->run(op, deadline_of(limit, kStartLimit));
  co_return resend_result(*op, std::move(response));
}

asio::awaitable<Result<ResendResult>> Client::start_read(const Envelope& envelope, ReadCap read_cap,
                                                         BoxIndex index, ReadOptions options,
                                                         Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  TP_CO_TRY(check_envelope(envelope, impl->link().sphinx()));
  Result<Draft> request = read_draft(envelope, read_cap, index, options.report_missing);
  if (!request) co_return request.error();
  const OperationPtr op = impl->make_operation(OpKind::kRead, envelope.hash, std::move(*request));
  Result<wire::Response> response = co_await impl->run(op, deadline_of(limit, kStartLimit));
  co_return resend_result(*op, std::move(response));
}

asio::awaitable<Result<CopyResult>> Client::start_copy(const WriteCap& write_cap, ServiceId courier,
                                                       Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  // With only half a pin the daemon would take any courier (thin-protocol 3.7).
  if (courier.queue_id.empty() || courier.queue_id.size() > kQueueIdMax)
    co_return error(Errc::kRejected, "start_copy: a courier's queue id has 1 to 32 bytes");
  Result<Draft> request = copy_draft(write_cap, courier);
  if (!request) co_return request.error();
  const OperationPtr op =
      impl->make_operation(OpKind::kCopy, copy_hash(write_cap), std::move(*request));
  op->pin = courier;
  Result<wire::Response> response = co_await impl->run(op, deadline_of(limit, kStartLimit));
  co_return copy_result(*op, std::move(response));
}

asio::awaitable<Status> Client::cancel(Bytes32 envelope_hash, Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  co_return co_await impl->cancel(OpKind::kRead, envelope_hash, deadline_of(limit, kLocalLimit));
}

asio::awaitable<Status> Client::cancel_copy(Bytes32 write_cap_hash, Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  co_return co_await impl->cancel(OpKind::kCopy, write_cap_hash, deadline_of(limit, kLocalLimit));
}

}  // namespace taubenpost::thin
