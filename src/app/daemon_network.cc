#include "app/daemon_network.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>

#include "app/real_clock.h"
#include "bacap/epochs.h"
#include "base/random.h"
#include "crypto/hash.h"
#include "engine/ports.h"
#include "wire/pki.h"
#include "wire/replies.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::CopyResult;
using ports::Outcome;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

// The socket is on this machine: a daemon that comes back is found soon.
constexpr milliseconds kDialPause{3'000};
// A geometry beyond it is no geometry: the daemon's frames would not hold one box.
constexpr std::int64_t kBoxMaxLimit = 1 << 20;
// Between two packets, whatever a document says.
constexpr double kSlowestMs = 3'600'000;

Error gone() { return error(Errc::kDaemonGone, "no connection to the daemon"); }

// For local calls: what the engine tells apart.
Error local_failure(const Error& failure) {
  switch (failure.code) {
    case Errc::kDaemonGone:
    case Errc::kCancelled:  // closed by us: as if the daemon had gone
      return error(Errc::kDaemonGone, failure.what, failure.hint);
    case Errc::kTemporary:
    case Errc::kOutcomeUnknown:
      return error(Errc::kTemporary, failure.what, failure.hint);
    default:
      return error(Errc::kRejected, failure.what, failure.hint);
  }
}

ports::BuiltElements built_of(thin::CopyElements made) {
  ports::BuiltElements built;
  built.elements = std::move(made.elements);
  built.buffer = std::move(made.buffer);
  built.next = std::move(made.next);
  return built;
}

milliseconds rest_of(steady_clock::time_point deadline) {
  const auto rest = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
  return std::max(rest, milliseconds(1));
}

// The same for wait_for_document().
std::uint64_t left_until(steady_clock::time_point deadline) {
  return static_cast<std::uint64_t>(rest_of(deadline).count());
}

// Timed by an encryption of no use: a box of a sequence that nobody has, which is not read.
asio::awaitable<Result<ports::Costs>> timed(thin::Client& client) {
  const thin::DocumentPtr document = client.document();
  if (document == nullptr) co_return gone();
  Result<thin::KeyPair> box = co_await client.new_keypair(random_array<32>());
  if (!box) co_return local_failure(box.error());
  const auto begin = steady_clock::now();
  Result<thin::Envelope> envelope = co_await client.encrypt_read(box->read_cap, box->first);
  if (!envelope) co_return local_failure(envelope.error());
  const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
  ports::Costs costs;
  costs.encryption_ms = static_cast<std::uint64_t>(took.count());
  const double rate = document->content().lambda_p;
  if (rate > 0) costs.packet_ms = static_cast<std::uint64_t>(std::min(1 / rate, kSlowestMs));
  co_return costs;
}

}  // namespace

std::optional<NetworkId> network_id_of(std::vector<Bytes32> identity_key_hashes) {
  if (identity_key_hashes.empty()) return std::nullopt;
  std::sort(identity_key_hashes.begin(), identity_key_hashes.end());
  if (identity_key_hashes.front() == Bytes32{}) return std::nullopt;
  Bytes all;
  for (const Bytes32& hash : identity_key_hashes) append(all, hash);
  return crypto::blake2b_256(all);
}

Outcome outcome_of(thin::ResendKind kind) {
  switch (kind) {
    case thin::ResendKind::kOk:
      return Outcome::kOk;
    case thin::ResendKind::kNotFound:
      return Outcome::kNotFound;
    case thin::ResendKind::kTaken:
      return Outcome::kTaken;
    case thin::ResendKind::kTombstone:
      return Outcome::kTombstone;
    case thin::ResendKind::kReencrypt:
      return Outcome::kReencrypt;
    case thin::ResendKind::kRetry:
    case thin::ResendKind::kCancelled:  // not by us: start again
      return Outcome::kRetry;
    case thin::ResendKind::kStorageFull:
      return Outcome::kStorageFull;
    case thin::ResendKind::kUnreadable:
      return Outcome::kUnreadable;
    case thin::ResendKind::kRejected:
      return Outcome::kRejected;
  }
  TP_CHECK(false);
}

Outcome outcome_of(const Error& failure) {
  return local_failure(failure).code == Errc::kRejected ? Outcome::kRejected : Outcome::kRetry;
}

Result<thin::DialAddress> daemon_address(const std::string& thin_config, const char* hint) {
  const std::string subject = "the daemon's configuration: ";
  std::error_code code;
  if (std::filesystem::exists(thin_config, code) &&
      !std::filesystem::is_regular_file(thin_config, code))
    return error(Errc::kUsage, subject + printable(thin_config, 4096) + ": not a regular file",
                 hint);
  Result<thin::DialAddress> address = thin::load_config(thin_config);
  if (address) return address;
  return error(address.error().code, subject + address.error().what, hint);
}

Status DaemonNetwork::dial() {
  if (starts_ != nullptr) return ok();
  const Result<thin::DialAddress> address = daemon_address(
      thin_config_, "thin_config in config.toml of the state directory names that file");
  if (!address) return address.error();
  thin::Options options;
  options.address = *address;
  options.timing.backoff_min = really(options.timing.backoff_min);
  options.timing.backoff_max = really(kDialPause);
  starts_ = std::make_unique<thin::Client>(executor_, options);
  local_ = std::make_unique<thin::Client>(executor_, options);
  return ok();
}

asio::awaitable<Status> DaemonNetwork::wait_for_document(std::uint64_t limit_ms) {
  const auto deadline = steady_clock::now() + milliseconds(limit_ms);
  Status connected = co_await starts_->connect(rest_of(deadline));
  if (connected) connected = co_await local_->connect(rest_of(deadline));
  if (!connected)
    co_return error(Errc::kDaemonGone, connected.error().what,
                    "is the daemon of " + printable(thin_config_) + " running?");
  const std::shared_ptr<thin::Subscription> events = local_->subscribe();
  while (local_->document() == nullptr || local_->geometry() == nullptr) {
    Result<thin::Event> event = co_await events->next(rest_of(deadline));
    if (!event)
      co_return error(Errc::kDaemonGone, "the daemon has no directory document",
                      "it may still be connecting to its network: try again later");
  }
  co_return ok();
}

asio::awaitable<Result<NetworkId>> DaemonNetwork::network_id() {
  const std::optional<Bytes16> daemon = local_->instance_token();
  if (daemon && daemon == known_daemon_) co_return known_id_;
  Result<std::vector<wire::DirectoryAuthority>> authorities =
      co_await local_->directory_authorities();
  if (!authorities && authorities.error().code != Errc::kNotFound)
    co_return local_failure(authorities.error());
  std::vector<Bytes32> hashes;
  if (authorities)
    for (const wire::DirectoryAuthority& authority : *authorities)
      hashes.push_back(authority.identity_key_hash);
  const std::optional<NetworkId> id = network_id_of(std::move(hashes));
  if (!id)
    co_return error(Errc::kRefused, "the daemon names no directory authorities of its network",
                    "configure the authorities with their identity keys at the daemon");
  known_daemon_ = daemon;
  known_id_ = *id;
  co_return *id;
}

asio::awaitable<Result<ports::NetworkView>> DaemonNetwork::view(std::uint64_t limit_ms) {
  TP_CO_TRY(dial());
  const auto deadline = steady_clock::now() + milliseconds(limit_ms);
  for (;;) {
    Status ready = co_await wait_for_document(left_until(deadline));
    if (!ready) co_return ready.error();
    Result<NetworkId> id = co_await network_id();
    if (!id && id.error().code != Errc::kDaemonGone) co_return id.error();
    const thin::DocumentPtr document = local_->document();
    const wire::PigeonholeGeometry* geometry = local_->geometry();
    // A daemon that has gone meanwhile is waited for like one that was not there.
    if (!id || document == nullptr || geometry == nullptr) continue;
    const std::int64_t box_max = geometry->max_plaintext_payload_length;
    if (box_max <= 0 || box_max > kBoxMaxLimit)
      co_return error(Errc::kRejected, "the daemon's geometry is impossible");
    ports::NetworkView view;
    view.id = *id;
    view.box_max = static_cast<std::uint64_t>(box_max);
    view.replica_epoch = bacap::replica_epoch_of_mix(document->epoch());
    for (const thin::ServiceId& courier : local_->services("courier"))
      view.couriers.push_back(
          CourierRow{courier.identity_hash, std::string(as_text(courier.queue_id))});
    co_return view;
  }
}

asio::awaitable<Result<ports::Costs>> DaemonNetwork::costs() {
  TP_CO_TRY(dial());
  const auto deadline = steady_clock::now() + milliseconds(kDaemonLimitMs);
  for (;;) {
    TP_CO_TRY(co_await wait_for_document(left_until(deadline)));
    Result<ports::Costs> costs = co_await timed(*local_);
    if (costs || costs.error().code != Errc::kDaemonGone) co_return costs;
  }
}

asio::awaitable<Result<ports::KeyPair>> DaemonNetwork::new_keypair(Bytes32 seed) {
  if (local_ == nullptr) co_return gone();
  Result<thin::KeyPair> made = co_await local_->new_keypair(seed);
  wipe(seed);
  if (!made) co_return local_failure(made.error());
  ports::KeyPair pair;
  pair.write_cap = SecretBytes(made->write_cap.view());
  pair.read_cap = to_bytes(made->read_cap);
  pair.first = made->first;
  co_return pair;
}

asio::awaitable<Result<ports::BuiltElements>> DaemonNetwork::build(
    std::vector<ports::Destination> destinations, Bytes buffer, bool is_start, bool is_last) {
  if (local_ == nullptr) co_return gone();
  std::vector<thin::WriteCap> caps;
  caps.reserve(destinations.size());
  std::vector<thin::Destination> parts;
  for (const ports::Destination& destination : destinations) {
    caps.emplace_back(destination.write_cap);
    parts.push_back({destination.payload, &caps.back(), destination.start});
  }
  const thin::StreamPart part{is_start, is_last, buffer};
  Result<thin::CopyElements> made =
      co_await local_->create_courier_envelopes_from_multi_payload(parts, part);
  if (!made) co_return local_failure(made.error());
  co_return built_of(std::move(made).value());
}

asio::awaitable<Result<ports::BuiltElements>> DaemonNetwork::build_tombstones(
    SecretBytes write_cap, IndexBytes start, std::uint32_t count, Bytes buffer, bool is_start,
    bool is_last) {
  if (local_ == nullptr) co_return gone();
  const thin::WriteCap cap(write_cap.view());
  const thin::StreamPart part{is_start, is_last, buffer};
  Result<thin::CopyElements> made =
      co_await local_->create_courier_envelopes_from_tombstone_range(cap, start, count, part);
  if (!made) co_return local_failure(made.error());
  co_return built_of(std::move(made).value());
}

asio::awaitable<ports::WriteResult> DaemonNetwork::start_write(Result<thin::Envelope> envelope,
                                                               SecretBytes write_cap,
                                                               bool confirmed) {
  if (!envelope) co_return ports::WriteResult{outcome_of(envelope.error()), envelope.error().what};
  const thin::WriteCap cap(write_cap.view());
  const thin::WriteOptions options{confirmed};
  Result<thin::ResendResult> end = co_await starts_->start_write(*envelope, cap, options);
  if (!end) co_return ports::WriteResult{outcome_of(end.error()), end.error().what};
  co_return ports::WriteResult{outcome_of(end->kind), end->code.text()};
}

asio::awaitable<ports::WriteResult> DaemonNetwork::write(SecretBytes write_cap, IndexBytes index,
                                                         Bytes plaintext, ports::WriteLevel level) {
  if (local_ == nullptr) co_return ports::WriteResult{Outcome::kRetry, gone().what};
  const thin::WriteCap cap(write_cap.view());
  Result<thin::Envelope> envelope = co_await local_->encrypt_write(plaintext, cap, index);
  const bool confirmed = level == ports::WriteLevel::kConfirmed;
  co_return co_await start_write(std::move(envelope), std::move(write_cap), confirmed);
}

asio::awaitable<ports::WriteResult> DaemonNetwork::tombstone(SecretBytes write_cap,
                                                             IndexBytes index) {
  if (local_ == nullptr) co_return ports::WriteResult{Outcome::kRetry, gone().what};
  const thin::WriteCap cap(write_cap.view());
  Result<thin::Envelope> envelope = co_await local_->encrypt_tombstone(cap, index);
  co_return co_await start_write(std::move(envelope), std::move(write_cap), /*confirmed=*/true);
}

asio::awaitable<ports::ReadResult> DaemonNetwork::read(Bytes read_cap, IndexBytes index) {
  if (local_ == nullptr) co_return ports::ReadResult{Outcome::kRetry, {}, gone().what};
  const thin::ReadCap cap = to_array<kReadCapSize>(read_cap);
  Result<thin::Envelope> envelope = co_await local_->encrypt_read(cap, index);
  if (!envelope)
    co_return ports::ReadResult{outcome_of(envelope.error()), {}, envelope.error().what};
  const thin::ReadOptions options{/*report_missing=*/true};
  Result<thin::ResendResult> end = co_await starts_->start_read(*envelope, cap, index, options);
  if (!end) co_return ports::ReadResult{outcome_of(end.error()), {}, end.error().what};
  co_return ports::ReadResult{outcome_of(end->kind), std::move(end->plaintext), end->code.text()};
}

asio::awaitable<CopyResult> DaemonNetwork::copy(SecretBytes write_cap, CourierRow courier,
                                                std::uint64_t wait_ms) {
  CopyResult result;
  if (starts_ == nullptr) co_return result;
  const thin::WriteCap cap(write_cap.view());
  thin::ServiceId id{courier.identity_hash, to_bytes(as_bytes(courier.queue_id))};
  Result<thin::CopyResult> end =
      co_await starts_->start_copy(cap, std::move(id), really(milliseconds(wait_ms)));
  if (!end) {
    // After its limit the client has cancelled the command, so that the daemon does not poll on;
    // the courier does.
    if (outcome_of(end.error()) == Outcome::kRejected) result.kind = CopyResult::Kind::kRejected;
    co_return result;
  }
  result.replica_code = end->replica.number;
  result.failed_envelope = end->failed_envelope;
  switch (end->kind) {
    case thin::CopyKind::kSucceeded:
      result.kind = CopyResult::Kind::kSucceeded;
      break;
    case thin::CopyKind::kFailed:
      result.kind = CopyResult::Kind::kFailed;
      break;
    case thin::CopyKind::kNotStarted:
      result.kind = CopyResult::Kind::kNotStarted;
      break;
    case thin::CopyKind::kCancelled:
      result.kind = CopyResult::Kind::kNoAnswer;
      break;
    case thin::CopyKind::kRejected:
      result.kind = CopyResult::Kind::kRejected;
      break;
  }
  co_return result;
}

asio::awaitable<void> DaemonNetwork::close() {
  if (starts_ == nullptr) co_return;
  co_await starts_->close();
  co_await local_->close();
}

}  // namespace taubenpost
