// The storage of all replicas of the local network, by the rules of pigeonhole 7.3.
//
// Boxes live in one table (box_table.h) under the key replica id (1) ‖ BE64 replica epoch ‖ box
// id (32), with the `box` structure of 3.2 as value; "ciphertext size" and "replicas" (impossible
// keys, as ids are below 64) have BE64 of these. Under the epoch of all ones, without a box id, is
// the set of replicas that a replica last saw (rebalance.h). A box written in epoch E is seen in E
// and E + 1 only. What is answered survives a kill of the process. One thread, which also
// serialises the operations on one box.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bacap/wire.h"
#include "base/bytes.h"
#include "base/error.h"
#include "localnet/box_table.h"

namespace taubenpost::localnet {

using ReplicaId = std::uint8_t;
using ReplicaSet = std::set<ReplicaId>;
using bacap::Box;
using bacap::BoxId;
using bacap::ReplicaCode;

class ReplicaStore {
 public:
  struct WriteResult {
    ReplicaCode code = ReplicaCode::kDatabaseFailure;
    bool added = false;  // a data box that was not there before
  };
  struct ReadResult {
    ReplicaCode code = ReplicaCode::kDatabaseFailure;
    Box box;  // kSuccess: all; kTombstone: id and signature; kBoxIdNotFound: the id
  };

  // Opens or makes the database in `folder`; boxes have exactly `ciphertext_size` bytes. Errors:
  // kStoreBad; kUsage if the database is one of boxes of another size, or of more replicas: what
  // only these keep would be lost. New replicas get their boxes from the others (rebalance.h).
  static Result<std::unique_ptr<ReplicaStore>> open(const std::string& folder,
                                                    std::size_t ciphertext_size,
                                                    std::size_t replicas);
  ReplicaStore(const ReplicaStore&) = delete;
  ReplicaStore& operator=(const ReplicaStore&) = delete;

  // The checks of 7.3 that need no storage: size (5), then signature (3; a box id that is no point
  // counts as this).
  ReplicaCode validate(const Box& box) const;
  // Stores a box that passed validate().
  WriteResult write(ReplicaId replica, std::uint64_t epoch, const Box& box);
  ReadResult read(ReplicaId replica, std::uint64_t epoch, const BoxId& box_id) const;

  // Up to `count` of the records that a replica keeps in `epoch`, older epochs first, behind
  // `cursor` (at first empty), which moves on. None: that was all.
  std::vector<Box> boxes(ReplicaId replica, std::uint64_t epoch, std::string& cursor,
                         std::size_t count) const;

  // The replicas that were in the directory when the replica last looked; nothing if it never did.
  std::optional<ReplicaSet> members_seen_by(ReplicaId replica) const;
  void record_members(ReplicaId replica, const ReplicaSet& members);

  // Deletes what no reader can see any more in `epoch`.
  Status drop_older_than(ReplicaId replica, std::uint64_t epoch);

 private:
  ReplicaStore(std::unique_ptr<BoxTable> table, std::size_t ciphertext_size);
  bool is_signed(const Box& box) const;
  ReplicaCode put(ReplicaId replica, std::uint64_t epoch, const Box& box);

  std::unique_ptr<BoxTable> table_;
  std::size_t ciphertext_size_;
  mutable std::optional<Box> last_signed_;
};

}  // namespace taubenpost::localnet
