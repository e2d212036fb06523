#include "localnet/temp_cleanup.h"

#include <memory>
#include <utility>

#include "bacap/box.h"
#include "bacap/padding.h"

namespace taubenpost::localnet {
namespace {

class Cleaner : public std::enable_shared_from_this<Cleaner> {
 public:
  Cleaner(Scheduler& scheduler, ReplicaPort& replicas, const bacap::Geometry& geometry,
          bacap::WriteCap cap, std::uint64_t boxes, TempCleanup how)
      : scheduler_(scheduler),
        replicas_(replicas),
        geometry_(geometry),
        cap_(std::move(cap)),
        index_(cap_.index()),
        boxes_(boxes),
        how_(how) {}

  void go_on() {
    if (boxes_ == 0) return;
    scheduler_.post([self = shared_from_this()] {
      self->clean_one();
      self->go_on();
    });
  }

 private:
  void clean_one() {
    --boxes_;
    const auto id = bacap::box_id(cap_.read_cap().root_key(), index_);
    const auto next = index_.next();
    if (id) clean(id.value());
    if (!next) boxes_ = 0;
    if (next) index_ = next.value();
  }

  // Only while both shards are there. One that has the box refuses the full-size one, so that it is
  // made only for those that have not: there it stays, as a message of no bytes.
  void clean(const BoxId& id) {
    const auto shards = replicas_.shards_of(id);
    if (shards.size() != 2) return;
    if (how_ == TempCleanup::kReal) {
      const Box box = bacap::tombstone(cap_, index_);
      for (const ReplicaId shard : shards) replicas_.write_box(shard, box);
      return;
    }
    const auto missing = replicas_.shards_without(id);
    if (missing.empty()) return;
    const auto padded = bacap::pad({}, geometry_.padded_payload());
    TP_CHECK(padded);
    const Box box = bacap::encrypt_box(cap_, index_, padded.value());
    for (const ReplicaId shard : missing) replicas_.write_box(shard, box);
  }

  Scheduler& scheduler_;
  ReplicaPort& replicas_;
  const bacap::Geometry geometry_;
  const bacap::WriteCap cap_;
  bacap::MessageBoxIndex index_;
  std::uint64_t boxes_;
  const TempCleanup how_;
};

}  // namespace

void clean_up(Scheduler& scheduler, ReplicaPort& replicas, const bacap::Geometry& geometry,
              ByteView write_cap, std::uint64_t boxes, TempCleanup how) {
  if (how == TempCleanup::kNone) return;
  auto cap = bacap::WriteCap::parse(write_cap);
  if (!cap) return;  // then nothing was copied either
  std::make_shared<Cleaner>(scheduler, replicas, geometry, std::move(cap).value(), boxes, how)
      ->go_on();
}

}  // namespace taubenpost::localnet
