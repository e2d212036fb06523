#include "localnet/courier.h"

#include <array>
#include <deque>
#include <map>
#include <utility>

#include "bacap/epochs.h"
#include "localnet/temp_cleanup.h"

namespace taubenpost::localnet {
namespace {

using bacap::CourierCode;
using bacap::CourierEnvelope;
using SharedEnvelope = std::shared_ptr<const CourierEnvelope>;

// What an entry takes beside the answers in it.
constexpr std::size_t kEntryBytes = 512;
// An intermediate that a client may name for "whoever answers" (6.4).
constexpr ReplicaId kAnyReplica = 255;

Bytes envelope_reply(const Bytes32& hash, std::uint8_t index, Bytes payload, CourierCode code) {
  const auto type =
      payload.empty() ? bacap::EnvelopeReplyType::kAck : bacap::EnvelopeReplyType::kPayload;
  return encode(bacap::CourierQueryReply(bacap::CourierEnvelopeReply{
      hash, index, type, std::move(payload), static_cast<std::uint8_t>(code)}));
}

Bytes copy_reply(bacap::CopyStatus status, const CopyOutcome& outcome) {
  return encode(bacap::CourierQueryReply(bacap::CopyCommandReply{
      static_cast<std::uint8_t>(status), outcome.code, outcome.failed_envelope}));
}

}  // namespace

// Shared with the answers and copies under way, which may outlive the courier.
struct Courier::State : std::enable_shared_from_this<Courier::State> {
  struct Slot {
    ReplicaId replica = 0;
    std::optional<ReplicaReply> reply;
  };
  struct Entry {
    std::uint64_t created = 0;  // monotonic
    std::array<Slot, 2> slots;
    int redispatches = 0;
    bool dispatching = false;
  };
  struct Copy {
    std::shared_ptr<CopyJob> job;  // while it runs
    CopyOutcome outcome;
    std::uint64_t completed = 0;  // monotonic
  };

  State(Scheduler& s, ReplicaPort& r, Audit& a, const bacap::Geometry& g, const Knobs& k,
        std::size_t p)
      : scheduler(s), replicas(r), audit(a), geometry(g), knobs(k), position(p) {}

  bool is_older(std::uint64_t since, Milliseconds age) const {
    return scheduler.monotonic_ms() - since > static_cast<std::uint64_t>(age.count());
  }

  // The verdict of a copy that ended.
  bool is_kept(const Copy& copy) const {
    return !is_older(copy.completed, kCopyResultAge - Milliseconds(1));
  }

  Bytes take_envelope(CourierEnvelope envelope);
  Entry& add_entry(const Bytes32& hash, const CourierEnvelope& envelope);
  void drop_oldest();
  bool wants_redispatch(const Entry& entry) const;
  void dispatch(const Bytes32& hash, Entry& entry, SharedEnvelope envelope);
  void send_halves(const Bytes32& hash, const SharedEnvelope& envelope);
  void take_reply(const Bytes32& hash, ReplicaReply reply);
  Bytes answer(const Bytes32& hash, std::uint8_t index, const Entry& entry) const;

  std::optional<Bytes> take_copy(ByteView write_cap);
  void end_copy(const Bytes32& key, const Bytes& write_cap, const CopyOutcome& outcome);
  void prune_copies();

  Scheduler& scheduler;
  ReplicaPort& replicas;
  Audit& audit;
  const bacap::Geometry geometry;
  const Knobs& knobs;
  const std::size_t position;
  std::map<Bytes32, Entry> cache;
  std::deque<Bytes32> by_age;  // of the cache, oldest first
  std::size_t cache_bytes = 0;
  std::map<Bytes32, Copy> copies;
};

Courier::Courier(Scheduler& scheduler, ReplicaPort& replicas, Audit& audit,
                 const bacap::Geometry& geometry, const Knobs& knobs, std::size_t position)
    : state_(std::make_shared<State>(scheduler, replicas, audit, geometry, knobs, position)) {}

// Running copies hold the state through their callbacks; a courier that is gone runs nothing.
Courier::~Courier() { state_->copies.clear(); }

std::size_t Courier::cached_envelopes() const { return state_->cache.size(); }

std::optional<Bytes> Courier::handle(ByteView query) {
  auto parsed = bacap::parse_courier_query(query);
  if (!parsed) return std::nullopt;
  if (auto* envelope = std::get_if<CourierEnvelope>(&parsed->value))
    return state_->take_envelope(std::move(*envelope));
  return state_->take_copy(std::get<bacap::CopyCommand>(parsed->value).write_cap);
}

Bytes Courier::State::take_envelope(CourierEnvelope envelope) {
  const Bytes32 hash = bacap::envelope_hash(envelope);
  const std::uint8_t index = envelope.reply_index;
  if (!bacap::in_epoch_window(envelope.epoch, replicas.replica_epoch()))
    return envelope_reply(hash, index, {}, CourierCode::kInvalidEpoch);
  const auto found = cache.find(hash);
  if (found == cache.end()) {
    Entry& entry = add_entry(hash, envelope);
    dispatch(hash, entry, std::make_shared<CourierEnvelope>(std::move(envelope)));
    return envelope_reply(hash, index, {}, CourierCode::kSuccess);
  }
  Entry& entry = found->second;
  if (wants_redispatch(entry)) {
    ++entry.redispatches;
    if (!entry.dispatching)
      dispatch(hash, entry, std::make_shared<CourierEnvelope>(std::move(envelope)));
  }
  return answer(hash, index, entry);
}

// Ageing happens only here: a courier that gets nothing new keeps what it has.
Courier::State::Entry& Courier::State::add_entry(const Bytes32& hash,
                                                 const CourierEnvelope& envelope) {
  while (!by_age.empty() &&
         (cache_bytes > kCacheBytes || is_older(cache.at(by_age.front()).created, kCacheAge)))
    drop_oldest();
  by_age.push_back(hash);
  cache_bytes += kEntryBytes;
  Entry& entry = cache[hash];
  entry.created = scheduler.monotonic_ms();
  for (const std::size_t half : {0, 1}) entry.slots[half].replica = envelope.intermediates[half];
  return entry;
}

void Courier::State::drop_oldest() {
  const auto oldest = cache.find(by_age.front());
  cache_bytes -= kEntryBytes;
  for (const Slot& slot : oldest->second.slots)
    if (slot.reply) cache_bytes -= slot.reply->envelope.memory();
  cache.erase(oldest);
  by_age.pop_front();
}

// A success in either slot settles the matter; errors are asked for again, and so is silence that
// has lasted.
bool Courier::State::wants_redispatch(const Entry& entry) const {
  if (entry.redispatches >= kRedispatchMax) return false;
  bool any = false;
  for (const Slot& slot : entry.slots) {
    if (!slot.reply) continue;
    if (slot.reply->code == ReplicaCode::kSuccess) return false;
    any = true;
  }
  return any || is_older(entry.created, kRedispatchGrace);
}

void Courier::State::dispatch(const Bytes32& hash, Entry& entry, SharedEnvelope envelope) {
  entry.dispatching = true;
  scheduler.post([weak = weak_from_this(), hash, envelope = std::move(envelope)] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->send_halves(hash, envelope);
    const auto found = self->cache.find(hash);
    if (found != self->cache.end()) found->second.dispatching = false;
  });
}

// A half that can't be sent ends the dispatch, and nobody is told.
void Courier::State::send_halves(const Bytes32& hash, const SharedEnvelope& envelope) {
  for (const std::size_t half : {0, 1}) {
    const bool queued = replicas.send(envelope->intermediates[half], ReplicaMessage{envelope, half},
                                      [weak = weak_from_this(), hash](ReplicaReply reply) {
                                        if (const auto self = weak.lock())
                                          self->take_reply(hash, std::move(reply));
                                      });
    if (!queued) return;
  }
}

void Courier::State::take_reply(const Bytes32& hash, ReplicaReply reply) {
  const auto found = cache.find(hash);
  if (found == cache.end()) return;
  for (Slot& slot : found->second.slots) {
    const bool claimed = slot.replica == kAnyReplica && !slot.reply;
    if (slot.replica != reply.replica && !claimed) continue;
    if (slot.reply && slot.reply->code == ReplicaCode::kSuccess) return;
    if (slot.reply) cache_bytes -= slot.reply->envelope.memory();
    cache_bytes += reply.envelope.memory();
    slot.reply = std::move(reply);
    return;
  }
}

Bytes Courier::State::answer(const Bytes32& hash, std::uint8_t index, const Entry& entry) const {
  if (index > 1) return envelope_reply(hash, index, {}, CourierCode::kInvalidEnvelope);
  const auto has_payload = [&](std::uint8_t i) {
    return entry.slots[i].reply && !entry.slots[i].reply->envelope.empty();
  };
  const auto other = static_cast<std::uint8_t>(1 - index);
  if (!has_payload(index) && (has_payload(other) || !entry.slots[index].reply)) index = other;
  const auto& reply = entry.slots[index].reply;
  return envelope_reply(hash, index, reply ? reply->envelope.seal() : Bytes(),
                        CourierCode::kSuccess);
}

// A verdict, good or bad, is kept for half an hour; a running copy is only ever reported.
std::optional<Bytes> Courier::State::take_copy(ByteView write_cap) {
  const Bytes32 key = bacap::copy_key(write_cap);
  const auto found = copies.find(key);
  if (found != copies.end()) {
    const Copy& copy = found->second;
    if (copy.job != nullptr) return copy_reply(bacap::CopyStatus::kInProgress, {});
    if (is_kept(copy))
      return copy_reply(
          copy.outcome.succeeded ? bacap::CopyStatus::kSucceeded : bacap::CopyStatus::kFailed,
          copy.outcome);
  }
  prune_copies();
  if (copies.size() >= kCopiesMax) return std::nullopt;
  audit.at_courier(position, [](CourierCounters& at) { ++at.copies_started; });
  Copy& copy = copies[key];
  const auto ended = [weak = weak_from_this(), key,
                      cap = to_bytes(write_cap)](const CopyOutcome& outcome) {
    if (const auto self = weak.lock()) self->end_copy(key, cap, outcome);
  };
  copy.job = std::make_shared<CopyJob>(scheduler, replicas, geometry, write_cap, ended);
  copy.job->start();
  return copy_reply(bacap::CopyStatus::kInProgress, {});
}

void Courier::State::end_copy(const Bytes32& key, const Bytes& write_cap,
                              const CopyOutcome& outcome) {
  if (outcome.succeeded) {
    audit.at_courier(position, [](CourierCounters& at) { ++at.copies_succeeded; });
    clean_up(scheduler, replicas, geometry, write_cap, outcome.boxes, knobs.temp_cleanup);
  } else {
    audit.at_courier(position, [&](CourierCounters& at) { ++at.copies_failed[outcome.code]; });
  }
  copies[key] = Copy{nullptr, outcome, scheduler.monotonic_ms()};
}

void Courier::State::prune_copies() {
  std::erase_if(copies, [this](const auto& item) {
    return item.second.job == nullptr && !is_kept(item.second);
  });
}

}  // namespace taubenpost::localnet
