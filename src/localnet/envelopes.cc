#include "localnet/envelopes.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "bacap/padding.h"

namespace taubenpost::localnet {
namespace {

// Two different of these, uniformly.
std::array<ReplicaId, 2> two_of(Random& random, const std::vector<ReplicaId>& ids) {
  const std::size_t first = random.below(ids.size());
  const std::size_t step = 1 + random.below(ids.size() - 1);
  return {ids[first], ids[(first + step) % ids.size()]};
}

// By what the directory lists (pigeonhole 4.3): two replicas that do not keep the box; of three the
// first that keeps it and another one; of two both. Where that gives no two, any others than those
// that keep the box, listed or not; or any, if there are no two others.
std::array<ReplicaId, 2> pick_intermediates(const Context& context, const BoxId& box) {
  const auto shards = context.directory.shards_of(box);
  const auto is_shard = [&](ReplicaId id) {
    return std::find(shards.begin(), shards.end(), id) != shards.end();
  };
  const auto is_listed = [&](ReplicaId id) { return !context.knobs.replica_down.contains(id); };
  std::vector<ReplicaId> all, listed, listed_others, others;
  for (ReplicaId id = 0; context.directory.has_replica(id); ++id) {
    all.push_back(id);
    if (is_listed(id)) listed.push_back(id);
    if (!is_shard(id)) others.push_back(id);
    if (is_listed(id) && !is_shard(id)) listed_others.push_back(id);
  }
  const auto shard = std::find_if(shards.begin(), shards.end(), is_listed);
  if (shard == shards.end() || listed.size() < 2)
    return two_of(context.random, others.size() < 2 ? all : others);
  if (listed.size() > 3) return two_of(context.random, listed_others);
  std::erase(listed, *shard);
  return {*shard, listed[context.random.below(listed.size())]};
}

}  // namespace

BuiltEnvelope build_envelope(const Context& context, const BoxId& box,
                             const bacap::ReplicaInnerMessage& message) {
  const Directory& directory = context.directory;
  const std::uint64_t epoch = context.replica_epoch();
  const auto replicas = pick_intermediates(context, box);
  const Bytes first = directory.envelope_keys(replicas[0], epoch).public_key;
  const Bytes second = directory.envelope_keys(replicas[1], epoch).public_key;
  const auto padded = bacap::pad(bacap::encode(message), directory.geometry().inner_padded());
  TP_CHECK(padded);  // boxes are made to the geometry
  auto sealed = bacap::encapsulate({first, second}, padded.value());
  TP_CHECK(sealed);  // the keys are our own
  BuiltEnvelope out;
  out.envelope.intermediates = replicas;
  out.envelope.dek1 = to_array<bacap::kDekSize>(sealed->deks[0]);
  out.envelope.dek2 = to_array<bacap::kDekSize>(sealed->deks[1]);
  out.envelope.epoch = epoch;
  out.envelope.sender_key = std::move(sealed->sender.public_key);
  out.envelope.ciphertext = std::move(sealed->envelope);
  out.private_key = std::move(sealed->sender.private_key);
  ++context.audit.envelopes_built;
  return out;
}

Box make_box(const bacap::Geometry& geometry, const bacap::WriteCap& cap,
             const bacap::MessageBoxIndex& index, ByteView plaintext) {
  if (plaintext.empty()) return bacap::tombstone(cap, index);
  const auto padded = bacap::pad(plaintext, geometry.padded_payload());
  TP_CHECK(padded);  // the caller has checked the length
  return bacap::encrypt_box(cap, index, padded.value());
}

StreamBuilder::StreamBuilder(const Context& context, std::vector<Destination> destinations,
                             ByteView buffer, bool is_start, End end)
    : context_(context),
      destinations_(std::move(destinations)),
      end_(end),
      encoder_(context.directory.geometry().box_payload_max()) {
  if (!is_start) encoder_.suppress_start();
  encoder_.set_buffer(buffer);
}

std::uint64_t StreamBuilder::boxes() const {
  const std::uint64_t chunk = context_.directory.geometry().copy_chunk();
  std::uint64_t count = 0;
  for (const Destination& destination : destinations_)
    count += destination.tombstones + (destination.payload.size() + chunk - 1) / chunk;
  return count;
}

StreamBuilder::Progress StreamBuilder::step(std::size_t count) {
  while (current_ < destinations_.size()) {
    Destination& destination = destinations_[current_];
    const bool exhausted =
        offset_ >= std::max<std::uint64_t>(destination.payload.size(), destination.tombstones);
    if (exhausted) {
      ++current_;
      offset_ = 0;
      continue;
    }
    if (count-- == 0) return Progress::kMore;
    if (!make_next(destination)) return Progress::kFailed;
  }
  if (end_ == End::kFinal) keep(encoder_.flush());
  if (end_ == End::kFlush) keep(encoder_.flush_without_final());
  return Progress::kDone;
}

bool StreamBuilder::make_next(Destination& destination) {
  const auto next = destination.index.next();
  if (!next) return false;
  const auto& geometry = context_.directory.geometry();
  ByteView chunk;  // empty: a tombstone
  if (destination.tombstones == 0) {
    chunk = ByteView(destination.payload).subspan(offset_);
    chunk = chunk.first(std::min<std::size_t>(chunk.size(), geometry.copy_chunk()));
  }
  Box box = make_box(geometry, destination.cap, destination.index, chunk);
  const BoxId id = box.id;
  const auto built = build_envelope(context_, id, bacap::ReplicaWrite{std::move(box)});
  keep(encoder_.add_envelope(bacap::encode(built.envelope)));
  destination.index = next.value();
  offset_ += std::max<std::size_t>(chunk.size(), 1);
  return true;
}

void StreamBuilder::keep(std::vector<Bytes> elements) {
  std::move(elements.begin(), elements.end(), std::back_inserter(elements_));
}

std::vector<bacap::MessageBoxIndex> StreamBuilder::next_indices() const {
  std::vector<bacap::MessageBoxIndex> out;
  for (const Destination& destination : destinations_) out.push_back(destination.index);
  return out;
}

}  // namespace taubenpost::localnet
