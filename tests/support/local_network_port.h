// LocalNetworkPort: the local network's model as the engine's network, in virtual time.
//
// Operations run in the model's own client, couriers and replicas, with every rule and knob; only
// the daemon's socket is left out, whose faults are told by restart_daemon() and `gone`. Every call
// is held against the sender's store (send_audit), at the moment of the call.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "app/daemon_network.h"
#include "localnet/client.h"
#include "localnet/local_calls.h"
#include "localnet/network.h"
#include "support/send_audit.h"
#include "support/virtual_clock.h"
#include "wire/frame.h"

namespace taubenpost {

// The local network on the clock of the engine's tests.
class VirtualScheduler final : public localnet::Scheduler {
 public:
  explicit VirtualScheduler(VirtualClock& clock) : clock_(clock) {}
  std::uint64_t unix_ms() const override { return clock_.unix_ms(); }
  std::uint64_t monotonic_ms() const override { return clock_.monotonic_ms(); }
  void post(localnet::Task task) override { after(localnet::Milliseconds(0), std::move(task)); }
  Timer after(localnet::Milliseconds delay, localnet::Task task) override {
    return clock_.after(delay, std::move(task));
  }
  void cancel(Timer timer) override { clock_.cancel(timer); }

 private:
  VirtualClock& clock_;
};

// The daemon of one user, and the user's connection to it.
class LocalNetworkPort : public ports::Network {
 public:
  // As in the thin client: a start that is silent for so long is given up.
  static constexpr std::chrono::milliseconds kStartLimit{30 * 60'000};

  // All of them outlive the port.
  LocalNetworkPort(VirtualClock& clock, localnet::Network& network, SendAudit& audit)
      : clock_(clock), network_(network), audit_(audit) {
    connect();
  }

  std::function<void()> step;  // before and after each effect; may throw the process away
  bool gone = false;           // no daemon

  // The daemon forgets what runs, and callers are told that the connection is lost.
  void restart_daemon() {
    const auto waiting = std::exchange(waiting_, {});
    for (const auto& [query, waiter] : waiting) waiter->timer.cancel();
    connect();
  }
  // The process has ended, and with it its connection.
  void forget_process() {
    waiting_.clear();
    connect();
  }

  // ---- ports::Network ----
  boost::asio::awaitable<Result<ports::NetworkView>> view(std::uint64_t limit_ms) override {
    if (gone) {
      co_await clock_.sleep(std::chrono::milliseconds(limit_ms));
      if (gone) co_return no_daemon();
    }
    ports::NetworkView view;
    view.id = NetworkId{7};
    view.box_max = box_max();
    view.replica_epoch = network_.context().replica_epoch();
    const localnet::Directory& directory = network_.context().directory;
    for (const std::size_t i : directory.listed_couriers(network_.knobs())) {
      const localnet::Service& courier = directory.couriers()[i];
      view.couriers.push_back({courier.identity_hash, courier.queue_id});
    }
    co_return view;
  }

  boost::asio::awaitable<Result<ports::Costs>> costs() override { co_return ports::Costs{}; }

  boost::asio::awaitable<Result<ports::KeyPair>> new_keypair(Bytes32 seed) override {
    co_await begin();
    if (gone) co_return no_daemon();
    const wire::NewKeypair request{Bytes16{1}, to_bytes(seed)};
    const auto reply =
        std::get<wire::NewKeypairReply>(localnet::answer(network_.context(), request));
    ports::KeyPair pair;
    pair.write_cap = SecretBytes(*reply.write_cap);
    pair.read_cap = to_bytes(*reply.read_cap);
    pair.first = *reply.first_message_index;
    co_return pair;
  }

  boost::asio::awaitable<Result<ports::BuiltElements>> build(std::vector<ports::Destination> to,
                                                             Bytes buffer, bool is_start,
                                                             bool is_last) override {
    audit_.built(to, buffer, is_start);
    co_await begin();
    if (gone) co_return no_daemon();
    wire::CreateCourierEnvelopesFromMultiPayload request;
    request.query_id = Bytes16{1};
    request.destinations.emplace();
    for (const ports::Destination& one : to) {
      wire::DestinationPayload part;
      part.payload = to_bytes(one.payload);
      part.write_cap = to_array<bacap::kWriteCapSize>(one.write_cap);
      part.start_index = one.start;
      request.destinations->push_back(std::move(part));
    }
    request.is_start = is_start;
    request.is_last = is_last;
    if (!is_start) request.buffer = buffer;
    auto reply = build_now<wire::CreateCourierEnvelopesFromMultiPayloadReply>(std::move(request));
    ports::BuiltElements built = elements_of(reply);
    for (const auto& next : *reply.next_dest_indices) built.next.push_back(*next);
    co_await end();
    co_return built;
  }

  boost::asio::awaitable<Result<ports::BuiltElements>> build_tombstones(SecretBytes write_cap,
                                                                        IndexBytes start,
                                                                        std::uint32_t count,
                                                                        Bytes buffer, bool is_start,
                                                                        bool is_last) override {
    audit_.tombstones_built(write_cap.view(), start, count, buffer, is_start);
    co_await begin();
    if (gone) co_return no_daemon();
    wire::CreateCourierEnvelopesFromTombstoneRange request;
    request.query_id = Bytes16{1};
    request.dest_write_cap = to_array<bacap::kWriteCapSize>(write_cap.view());
    request.dest_start_index = start;
    request.max_count = count;
    request.is_start = is_start;
    request.is_last = is_last;
    if (!is_start) request.buffer = buffer;
    auto reply = build_now<wire::CreateCourierEnvelopesFromTombstoneRangeReply>(std::move(request));
    ports::BuiltElements built = elements_of(reply);
    built.next.push_back(*reply.next_dest_index);
    co_await end();
    co_return built;
  }

  boost::asio::awaitable<ports::WriteResult> write(SecretBytes write_cap, IndexBytes index,
                                                   Bytes plaintext,
                                                   ports::WriteLevel level) override {
    audit_.leaves(write_cap.view(), index, clock_.unix_ms() / 1000);
    audit_.written(write_cap.view(), index, plaintext);
    co_await begin();
    if (gone) co_return ports::WriteResult{ports::Outcome::kRetry, "no daemon"};
    co_return co_await start_write(std::move(write_cap), index, std::move(plaintext), level);
  }

  boost::asio::awaitable<ports::WriteResult> tombstone(SecretBytes write_cap,
                                                       IndexBytes index) override {
    audit_.tombstone_written(write_cap.view(), index);
    co_await begin();
    if (gone) co_return ports::WriteResult{ports::Outcome::kRetry, "no daemon"};
    co_return co_await start_write(std::move(write_cap), index, {}, ports::WriteLevel::kConfirmed);
  }

  boost::asio::awaitable<ports::ReadResult> read(Bytes read_cap, IndexBytes index) override {
    co_await begin();
    if (gone) co_return ports::ReadResult{ports::Outcome::kRetry, {}, "no daemon"};
    const wire::EncryptRead encrypt{Bytes16{1}, to_array<bacap::kReadCapSize>(read_cap), index};
    auto envelope = std::get<wire::EncryptReadReply>(localnet::answer(network_.context(), encrypt));
    wire::StartResendingEncryptedMessage start = start_of(envelope);
    start.read_cap = encrypt.read_cap;
    start.message_box_index = to_bytes(index);
    start.no_retry_on_box_id_not_found.value = true;
    std::optional<Reply> reply = co_await end_of(std::move(start));
    co_await end();
    if (!reply) co_return ports::ReadResult{ports::Outcome::kRetry, {}, "no answer"};
    const wire::Code code = code_of(*reply);
    ports::ReadResult result{outcome_of(thin::resend_kind(code)), {}, code.text()};
    if (result.outcome == ports::Outcome::kOk) result.plaintext = reply->plaintext.value();
    if (result.outcome == ports::Outcome::kOk) audit_.read(index, result.plaintext);
    if (result.outcome == ports::Outcome::kTombstone) audit_.read_tombstone(index);
    co_return result;
  }

  boost::asio::awaitable<ports::CopyResult> copy(SecretBytes write_cap, CourierRow courier,
                                                 std::uint64_t wait_ms) override {
    audit_.leaves(write_cap.view(), std::nullopt, clock_.unix_ms() / 1000);
    audit_.copy_issued(write_cap.view(), courier);
    co_await begin();
    ports::CopyResult result;
    if (gone) co_return result;
    wire::StartResendingCopyCommand start;
    start.write_cap = to_array<bacap::kWriteCapSize>(write_cap.view());
    start.courier_identity_hash.value = courier.identity_hash;
    start.courier_queue_id.value = to_bytes(as_bytes(courier.queue_id));
    const Bytes32 key = bacap::copy_key(write_cap.view());
    const auto response = co_await wait_for(start, std::chrono::milliseconds(wait_ms));
    if (!response) client_->cancel({localnet::Client::Kind::kCopy, key}, *client_);
    co_await end();
    if (!response) co_return result;
    const auto& reply = std::get<wire::StartResendingCopyCommandReply>(*response);
    using Kind = ports::CopyResult::Kind;
    switch (thin::copy_kind(wire::thin_code(reply.error_code))) {
      case thin::CopyKind::kSucceeded:
        result.kind = Kind::kSucceeded;
        break;
      case thin::CopyKind::kFailed:
        result.kind = Kind::kFailed;
        result.replica_code = reply.replica_error_code.value;
        result.failed_envelope = reply.failed_envelope_index.value;
        break;
      case thin::CopyKind::kNotStarted:
        result.kind = Kind::kNotStarted;
        break;
      case thin::CopyKind::kCancelled:
        result.kind = Kind::kNoAnswer;
        break;
      case thin::CopyKind::kRejected:
        result.kind = Kind::kRejected;
        break;
    }
    co_return result;
  }

 private:
  template <class Reply, class Request>
  Reply build_now(Request request) {
    localnet::StreamPlan plan = localnet::plan_stream(network_.context(), std::move(request));
    TP_CHECK(plan.builder != nullptr);
    const auto progress = plan.builder->step(SIZE_MAX);
    return std::get<Reply>(localnet::stream_reply(std::move(plan), progress));
  }
  // Without the indices that come next.
  static ports::BuiltElements elements_of(auto& reply) {
    ports::BuiltElements built;
    if (reply.envelopes)
      for (wire::OptBytes& element : *reply.envelopes) built.elements.push_back(*element);
    built.buffer = reply.buffer.value_or(Bytes{});
    return built;
  }
  using Reply = wire::StartResendingEncryptedMessageReply;

  struct Waiter {
    explicit Waiter(const boost::asio::any_io_executor& executor)
        : timer(executor, boost::asio::steady_timer::time_point::max()) {}
    boost::asio::steady_timer timer;
    std::optional<wire::Response> response;
  };

  static Error no_daemon() { return error(Errc::kDaemonGone, "no daemon"); }

  std::uint64_t box_max() const {
    return network_.context().directory.geometry().box_payload_max();
  }

  // A new session: answers to what the old one started go nowhere.
  void connect() {
    client_ = std::make_shared<localnet::Client>(network_.context());
    client_->attach([this](const wire::Response& response) {
      const auto query = wire::query_id_of(response);
      const auto found = query ? waiting_.find(*query) : waiting_.end();
      if (found == waiting_.end()) return;
      found->second->response = response;
      found->second->timer.cancel();
    });
  }

  boost::asio::awaitable<void> begin() {
    if (step) step();
    co_await clock_.sleep(std::chrono::milliseconds(1));
    audit_.look();
    audit_.look_at_letters();
  }
  boost::asio::awaitable<void> end() {
    if (step) step();
    co_await clock_.sleep(std::chrono::milliseconds(1));
  }

  static wire::StartResendingEncryptedMessage start_of(const wire::EncryptReply& envelope) {
    wire::StartResendingEncryptedMessage start;
    start.message_ciphertext = envelope.message_ciphertext;
    start.envelope_descriptor = envelope.envelope_descriptor;
    start.envelope_hash = envelope.envelope_hash;
    return start;
  }
  static wire::Code code_of(const Reply& reply) {
    return wire::resend_code(reply.error_code, reply.courier_identity_hash.has_value());
  }

  boost::asio::awaitable<ports::WriteResult> start_write(SecretBytes write_cap, IndexBytes index,
                                                         Bytes plaintext, ports::WriteLevel level) {
    const auto cap = to_array<bacap::kWriteCapSize>(write_cap.view());
    const wire::EncryptWrite encrypt{Bytes16{1}, plaintext, cap, index};
    auto envelope =
        std::get<wire::EncryptWriteReply>(localnet::answer(network_.context(), encrypt));
    wire::StartResendingEncryptedMessage start = start_of(envelope);
    start.write_cap = cap;
    start.no_idempotent_box_already_exists.value = level == ports::WriteLevel::kConfirmed;
    const std::optional<Reply> reply = co_await end_of(std::move(start));
    co_await end();
    if (!reply) co_return ports::WriteResult{ports::Outcome::kRetry, "no answer"};
    const wire::Code code = code_of(*reply);
    const ports::Outcome outcome = outcome_of(thin::resend_kind(code));
    if (outcome == ports::Outcome::kOk) audit_.taken(index);
    co_return ports::WriteResult{outcome, code.text()};
  }

  // The reply; nothing after the limit, or when the connection is lost.
  template <class Start>
  boost::asio::awaitable<std::optional<wire::Response>> wait_for(Start start,
                                                                 std::chrono::milliseconds limit) {
    const auto executor = co_await boost::asio::this_coro::executor;
    const auto waiter = std::make_shared<Waiter>(executor);
    const Bytes16 query = next_query();
    start.query_id = query;
    waiting_[query] = waiter;
    const std::shared_ptr<boost::asio::steady_timer> timer(waiter, &waiter->timer);
    const VirtualClock::Event deadline = clock_.wake_after(limit, timer);
    client_->start(start);
    boost::system::error_code woken;
    if (!waiter->response)
      co_await timer->async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
    clock_.cancel(deadline);
    waiting_.erase(query);
    co_return waiter->response;
  }
  boost::asio::awaitable<std::optional<Reply>> end_of(wire::StartResendingEncryptedMessage start) {
    const Bytes32 hash = start.envelope_hash.value();
    const std::optional<wire::Response> response = co_await wait_for(std::move(start), kStartLimit);
    if (response) co_return std::get<Reply>(*response);
    client_->cancel({localnet::Client::Kind::kEncrypted, hash}, *client_);
    co_return std::nullopt;
  }

  Bytes16 next_query() {
    ++operations_;
    Bytes16 query{};
    for (std::size_t i = 0; i < sizeof operations_; ++i)
      query[i] = static_cast<std::uint8_t>(operations_ >> (8 * i));
    return query;
  }

  VirtualClock& clock_;
  localnet::Network& network_;
  std::shared_ptr<localnet::Client> client_;
  SendAudit& audit_;
  std::map<Bytes16, std::shared_ptr<Waiter>> waiting_;
  std::uint64_t operations_ = 0;  // started
};

}  // namespace taubenpost
