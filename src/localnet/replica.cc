#include "localnet/replica.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "bacap/epochs.h"
#include "bacap/padding.h"

namespace taubenpost::localnet {
namespace {

// Boxes that wait for a replica that is away (pigeonhole 7.5).
constexpr std::size_t kWaitingMax = 2'000;               // for one peer
constexpr Milliseconds kWaitingAge{3 * 20 * 60'000};     // three mix epochs
constexpr Milliseconds kRetryInterval{20 * 60'000 / 8};  // an eighth of one

ReplicaReply failure(ReplicaCode code) { return ReplicaReply{code, 0, {}}; }

const BoxId& box_id_of(const bacap::ReplicaInnerMessage& message) {
  if (const auto* read = std::get_if<bacap::ReplicaRead>(&message)) return read->box_id;
  return std::get<bacap::ReplicaWrite>(message).box.id;
}

ReplicaCode code_of(const bacap::ReplicaInnerReply& reply) {
  return std::visit([](const auto& r) { return static_cast<ReplicaCode>(r.error_code); }, reply);
}

std::size_t number(ReplicaCode code) { return static_cast<std::size_t>(code); }

}  // namespace

Bytes EnvelopeReply::seal() const {
  if (empty()) return {};
  const auto padded = bacap::pad(inner_, padded_size_);
  TP_CHECK(padded);  // our own structures fit the geometry
  return bacap::seal_reply(secret_, padded.value());
}

Replicas::Replicas(Scheduler& scheduler, const Directory& directory, ReplicaStore& store,
                   Audit& audit, Random& random, const Knobs& knobs)
    : scheduler_(scheduler),
      directory_(directory),
      store_(store),
      audit_(audit),
      random_(random),
      knobs_(knobs),
      rebalance_(scheduler, store,
                 [this](ReplicaId from, const Box& box) { send_to_peers(from, box); }) {
  look_around();
}

Replicas::~Replicas() { scheduler_.cancel(retry_timer_); }

void Replicas::count_read(ReplicaId shard, ReplicaCode code) {
  audit_.at_replica(shard, [code](ReplicaCounters& at) { ++at.reads[number(code)]; });
}

void Replicas::count_stored(ReplicaId shard) {
  audit_.at_replica(shard, [](ReplicaCounters& at) { ++at.boxes_stored; });
}

std::uint64_t Replicas::replica_epoch() const {
  return bacap::replica_epoch(scheduler_.unix_ms() / 1000);
}

std::vector<ReplicaId> Replicas::shards_of(const BoxId& box_id) const {
  std::vector<ReplicaId> shards = directory_.shards_of(box_id);
  std::erase_if(shards, [this](ReplicaId id) { return is_down(id); });
  return shards;
}

std::vector<ReplicaId> Replicas::shards_without(const BoxId& box_id) const {
  std::vector<ReplicaId> shards = shards_of(box_id);
  std::erase_if(shards, [&](ReplicaId id) {
    return store_.read(id, replica_epoch(), box_id).code != ReplicaCode::kBoxIdNotFound;
  });
  return shards;
}

void Replicas::write_box(ReplicaId shard, const Box& box) {
  scheduler_.post([this, shard, box] {
    if (is_reachable(shard)) static_cast<void>(write(shard, box));  // refusals concern nobody
  });
}

bool Replicas::send(ReplicaId to, ReplicaMessage message, OnReply on_reply) {
  if (!directory_.has_replica(to)) return false;
  const auto arrive = [this, to, message = std::move(message), on_reply = std::move(on_reply)] {
    if (!is_reachable(to)) return;
    audit_.at_replica(to, [](ReplicaCounters& at) { ++at.messages; });
    handle(to, message, [this, on_reply](ReplicaReply reply) {
      const Milliseconds time = answer_delay();
      if (time.count() == 0) return on_reply(std::move(reply));
      const auto shared = std::make_shared<ReplicaReply>(std::move(reply));
      scheduler_.after(time, [on_reply, shared] { on_reply(std::move(*shared)); });
    });
  };
  defer(scheduler_, message_delay(), arrive);
  return true;
}

bool Replicas::read_box(ReplicaId shard, const BoxId& box_id, OnRead on_read) {
  if (!directory_.has_replica(shard)) return false;
  const auto arrive = [this, shard, box_id, on_read = std::move(on_read)] {
    if (!is_reachable(shard)) return;
    auto result = store_.read(shard, replica_epoch(), box_id);
    count_read(shard, result.code);
    const Milliseconds time = answer_delay();
    if (time.count() == 0) return on_read(std::move(result));
    scheduler_.after(time, [on_read, result = std::move(result)] { on_read(result); });
  };
  defer(scheduler_, knobs_.courier_time + message_delay(), arrive);
  return true;
}

Milliseconds Replicas::answer_delay() {
  if (knobs_.link_rate <= 0) return knobs_.replica_time;
  const Milliseconds slot(std::llround(1 / knobs_.link_rate));
  return knobs_.replica_time + random_.up_to(slot);
}

// What is left to try for the message, and where to.
struct Replicas::Proxied {
  ReplicaId self = 0;
  Opened opened;
  Bytes sender_key;
  bacap::ReplicaInnerMessage message;
  std::vector<ReplicaId> shards;
  std::size_t asked = 0;  // of these; the last one may still answer
  Scheduler::Timer timeout = 0;
  OnReply on_answer;
};

void Replicas::handle(ReplicaId self, const ReplicaMessage& message, OnReply on_answer) {
  auto opened = open(self, message);
  if (!opened) {
    const bool bad_sender = opened.error().code == Errc::kInvalid;
    return on_answer(
        failure(bad_sender ? ReplicaCode::kInternalError : ReplicaCode::kInvalidEpoch));
  }
  const auto unpadded = bacap::unpad(opened->padded);
  if (!unpadded) return on_answer(failure(ReplicaCode::kInvalidPayload));
  auto inner = bacap::parse_replica_inner_message(unpadded.value());
  if (!inner) return on_answer(failure(ReplicaCode::kInvalidPayload));

  auto shards = shards_of(box_id_of(inner->value));
  if (shards.empty()) return on_answer(failure(ReplicaCode::kInternalError));
  if (std::find(shards.begin(), shards.end(), self) != shards.end())
    return on_answer(sealed(self, std::move(opened->secret), at_shard(self, inner->value)));
  std::swap(shards[0], shards[random_.below(shards.size())]);
  auto proxied = std::make_shared<Proxied>();
  proxied->self = self;
  proxied->opened = std::move(opened).value();
  proxied->sender_key = message.envelope->sender_key;
  proxied->message = std::move(inner->value);
  proxied->shards = std::move(shards);
  proxied->on_answer = std::move(on_answer);
  ask_next_shard(proxied);
}

void Replicas::ask_next_shard(const ProxiedPtr& proxied) {
  if (proxied->asked == proxied->shards.size()) {
    proxied->asked = 0;  // what comes from now on is too late
    return proxied->on_answer({ReplicaCode::kReplicationFailed, proxied->self, {}});
  }
  const ReplicaId shard = proxied->shards[proxied->asked];
  const std::size_t attempt = ++proxied->asked;
  proxied->timeout = scheduler_.after(kProxyTimeout, [this, proxied] { ask_next_shard(proxied); });
  defer(scheduler_, message_delay(), [this, proxied, shard, attempt] {
    if (!is_reachable(shard)) return;
    auto reply = at_shard(shard, proxied->message);
    defer(scheduler_, answer_delay(), [this, proxied, attempt, reply = std::move(reply)] {
      if (proxied->asked == attempt) take_from_shard(proxied, reply);  // else it is too late
    });
  });
}

// Any answer ends the search, a miss as well.
void Replicas::take_from_shard(const ProxiedPtr& proxied, const bacap::ReplicaInnerReply& reply) {
  scheduler_.cancel(proxied->timeout);
  const ReplicaId self = proxied->self;
  // Read repair: the shards that were asked before get what was found.
  const auto* found = std::get_if<bacap::ReplicaReadReply>(&reply);
  if (found != nullptr && code_of(reply) == ReplicaCode::kSuccess)
    for (std::size_t i = 0; i + 1 < proxied->asked; ++i)
      send_box({self, proxied->shards[i]}, found->box);

  auto secret = std::move(proxied->opened.secret);
  const std::uint64_t current = replica_epoch();
  if (proxied->opened.epoch != current &&
      knobs_.proxied_reply_key == ProxiedReplyKey::kCurrentEpoch) {
    // An answer that was fetched elsewhere is encrypted with the current key, whatever key the
    // question was for (8.6); a client that looks for its own epoch then can't open it.
    auto other = bacap::nike_secret(directory_.envelope_keys(self, current).private_key.view(),
                                    proxied->sender_key);
    if (!other) return proxied->on_answer(failure(ReplicaCode::kInternalError));
    secret = std::move(other).value();
  }
  proxied->on_answer(sealed(self, std::move(secret), reply));
}

ReplicaReply Replicas::sealed(ReplicaId self, SecretArray<32> secret,
                              const bacap::ReplicaInnerReply& reply) const {
  return {code_of(reply), self,
          EnvelopeReply(std::move(secret), reply, directory_.geometry().reply_padded())};
}

// The epochs are tried in the order of likelihood; at most one key can open the message.
Result<Replicas::Opened> Replicas::open(ReplicaId self, const ReplicaMessage& message) const {
  const auto& envelope = *message.envelope;
  const ByteView dek = message.half == 0 ? ByteView(envelope.dek1) : ByteView(envelope.dek2);
  const std::uint64_t current = replica_epoch();
  for (const std::uint64_t epoch : {current, current - 1, current + 1}) {
    auto secret = bacap::nike_secret(directory_.envelope_keys(self, epoch).private_key.view(),
                                     envelope.sender_key);
    if (!secret) return error(Errc::kInvalid, "sender key");
    auto text = bacap::open_with_secret(secret.value(), {dek}, envelope.ciphertext);
    if (text) return Opened{std::move(text).value(), std::move(secret).value(), epoch};
  }
  return error(Errc::kNotFound, "no key opens it");
}

bacap::ReplicaInnerReply Replicas::at_shard(ReplicaId shard,
                                            const bacap::ReplicaInnerMessage& message) {
  if (const auto* read = std::get_if<bacap::ReplicaRead>(&message)) {
    auto result = store_.read(shard, replica_epoch(), read->box_id);
    count_read(shard, result.code);
    return bacap::ReplicaReadReply{static_cast<std::uint8_t>(result.code), std::move(result.box)};
  }
  const auto& box = std::get<bacap::ReplicaWrite>(message).box;
  const ReplicaCode code = write(shard, box);
  audit_.at_replica(shard, [&](ReplicaCounters& at) {
    ++(box.is_tombstone() ? at.tombstones : at.writes)[number(code)];
  });
  return bacap::ReplicaWriteReply{static_cast<std::uint8_t>(code)};
}

ReplicaCode Replicas::write(ReplicaId shard, const Box& box) {
  const ReplicaCode verdict = store_.validate(box);
  if (verdict != ReplicaCode::kSuccess) return verdict;
  // Tombstones are still taken.
  if (knobs_.storage_full.contains(shard) && !box.is_tombstone()) return ReplicaCode::kStorageFull;
  const auto written = store_.write(shard, replica_epoch(), box);
  if (written.added) count_stored(shard);
  if (written.code == ReplicaCode::kSuccess) send_to_peers(shard, box);
  return written.code;
}

// Also for a repeat of what is there. The receiver applies the storage rules in its own epoch and
// passes nothing on (pigeonhole 7.5).
void Replicas::send_to_peers(ReplicaId from, const Box& box) {
  for (const ReplicaId peer : shards_of(box.id))
    if (peer != from) send_box({from, peer}, box);
}

void Replicas::send_box(const Link& link, const Box& box) {
  if (random_.happens(knobs_.replication_loss)) return;
  defer(scheduler_, knobs_.replication_delay + message_delay(),
        [this, link, box] { deliver(link, box); });
}

// Refusals concern nobody, except for a peer that can't now.
void Replicas::deliver(const Link& link, const Box& box) {
  if (!is_reachable(link.second)) return wait_for_peer(link, box);
  if (knobs_.storage_full.contains(link.second) && !box.is_tombstone()) return;
  const auto written = store_.write(link.second, replica_epoch(), box);
  if (written.added) count_stored(link.second);
  if (written.code == ReplicaCode::kDatabaseFailure) wait_for_peer(link, box);
}

// The latest content of each box; the oldest goes when there are too many.
void Replicas::wait_for_peer(const Link& link, const Box& box) {
  auto& queue = waiting_[link];
  queue[box.id] = Waiting{box, scheduler_.monotonic_ms()};
  if (queue.size() > kWaitingMax)
    queue.erase(std::min_element(queue.begin(), queue.end(), [](const auto& a, const auto& b) {
      return a.second.since < b.second.since;
    }));
  arm_retry();
}

void Replicas::arm_retry() {
  if (retry_timer_ != 0) return;
  retry_timer_ = scheduler_.after(kRetryInterval, [this] {
    retry_timer_ = 0;
    retry_waiting();
  });
}

void Replicas::look_around() {
  ReplicaSet members;
  for (ReplicaId id = 0; directory_.has_replica(id); ++id)
    if (!is_down(id)) members.insert(id);
  for (ReplicaId id = 0; directory_.has_replica(id); ++id)
    if (is_reachable(id))
      rebalance_.observe(id, members);
    else
      rebalance_.forget(id);
  retry_waiting();
}

void Replicas::retry_waiting() {
  const auto queues = std::exchange(waiting_, {});
  for (const auto& [link, queue] : queues)
    for (const auto& [id, entry] : queue) {
      const std::uint64_t age = scheduler_.monotonic_ms() - entry.since;
      if (age > static_cast<std::uint64_t>(kWaitingAge.count())) continue;
      if (!is_reachable(link.second))
        waiting_[link][id] = entry;
      else
        deliver(link, entry.box);
    }
  if (!waiting_.empty()) arm_retry();
}

void Replicas::restart(ReplicaId id) {
  std::erase_if(waiting_, [id](const auto& item) { return item.first.first == id; });
  rebalance_.forget(id);
  look_around();
}

}  // namespace taubenpost::localnet
