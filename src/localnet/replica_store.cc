#include "localnet/replica_store.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace taubenpost::localnet {
namespace {

constexpr const char* kSizeKey = "ciphertext size";
constexpr const char* kReplicasKey = "replicas";

std::string epoch_key(ReplicaId replica, std::uint64_t epoch) {
  Bytes key{replica};
  append_be(key, epoch);
  return std::string(as_text(key));
}

std::string box_key(ReplicaId replica, std::uint64_t epoch, const BoxId& box_id) {
  return epoch_key(replica, epoch).append(as_text(box_id));
}

std::string members_key(ReplicaId replica) {
  return epoch_key(replica, std::numeric_limits<std::uint64_t>::max());
}

// Until the number was recorded.
constexpr std::uint64_t kReplicasAtFirst = 5;

std::string text_of(std::uint64_t number) {
  Bytes bytes;
  append_be(bytes, number);
  return std::string(as_text(bytes));
}

Error unusable(const std::string& folder) {
  return error(Errc::kStoreBad, "localnet.boxes: " + folder + ": can't be read or written");
}

// Nothing if it was never recorded. Errors: kStoreBad.
Result<std::optional<std::uint64_t>> recorded(const BoxTable& table, const std::string& folder,
                                              const char* key) {
  std::string value;
  const auto found = table.get(key, value);
  if (found == BoxTable::Found::kNo) return std::optional<std::uint64_t>();
  if (found == BoxTable::Found::kFailed || value.size() != sizeof(std::uint64_t))
    return unusable(folder);
  return std::optional(read_be<std::uint64_t>(as_bytes(value)));
}

// A table has boxes of one size, and never fewer replicas than before.
Status bind(BoxTable& table, const std::string& folder, std::uint64_t ciphertext_size,
            std::uint64_t replicas) {
  const auto size = recorded(table, folder, kSizeKey);
  if (!size) return size.error();
  if (*size && **size != ciphertext_size)
    return error(Errc::kUsage, "localnet.boxes: " + folder + " holds boxes of another size",
                 "take the --profile it was made with, or another --data folder");
  auto before = recorded(table, folder, kReplicasKey);
  if (!before) return before.error();
  if (*size && !*before) *before = kReplicasAtFirst;
  if (*before && **before > replicas) {
    const std::string number = std::to_string(**before);
    return error(Errc::kUsage,
                 "localnet.boxes: " + folder + " holds boxes of " + number + " replicas",
                 "take --replicas " + number + " or more, or another --data folder");
  }
  const bool is_recorded =
      table.put(kReplicasKey, text_of(replicas)) && table.put(kSizeKey, text_of(ciphertext_size));
  return is_recorded ? ok() : Status(unusable(folder));
}

}  // namespace

Result<std::unique_ptr<ReplicaStore>> ReplicaStore::open(const std::string& folder,
                                                         std::size_t ciphertext_size,
                                                         std::size_t replicas) {
  auto table = BoxTable::open(folder);
  if (!table) return table.error();
  TP_TRY(bind(**table, folder, ciphertext_size, replicas));
  return std::unique_ptr<ReplicaStore>(new ReplicaStore(std::move(table).value(), ciphertext_size));
}

ReplicaStore::ReplicaStore(std::unique_ptr<BoxTable> table, std::size_t ciphertext_size)
    : table_(std::move(table)), ciphertext_size_(ciphertext_size) {}

ReplicaCode ReplicaStore::validate(const Box& box) const {
  if (!box.payload.empty() && box.payload.size() != ciphertext_size_)
    return ReplicaCode::kInvalidPayload;
  return is_signed(box) ? ReplicaCode::kSuccess : ReplicaCode::kInvalidSignature;
}

// Each box comes through two intermediates. The same bytes one after the other are verified once.
bool ReplicaStore::is_signed(const Box& box) const {
  if (box == last_signed_) return true;
  if (!bacap::verify(box.id, box.payload, box.signature)) return false;
  last_signed_ = box;
  return true;
}

ReplicaStore::WriteResult ReplicaStore::write(ReplicaId replica, std::uint64_t epoch,
                                              const Box& box) {
  // A tombstone always wins, whatever is there.
  if (box.payload.empty()) return {put(replica, epoch, box), false};
  const auto found = read(replica, epoch, box.id);
  switch (found.code) {
    case ReplicaCode::kBoxIdNotFound: {
      const auto code = put(replica, epoch, box);
      return {code, code == ReplicaCode::kSuccess};
    }
    case ReplicaCode::kSuccess:
      // Nothing is written again: repeating a write does not make the box younger.
      if (found.box.payload == box.payload && found.box.signature == box.signature)
        return {ReplicaCode::kSuccess, false};
      return {ReplicaCode::kBoxAlreadyExists, false};
    case ReplicaCode::kTombstone:
      return {ReplicaCode::kBoxAlreadyExists, false};
    default:
      return {ReplicaCode::kDatabaseFailure, false};
  }
}

// The record that a reader in `epoch` sees: this epoch's, else the previous one's. An error is code
// 4, nothing is code 1.
ReplicaStore::ReadResult ReplicaStore::read(ReplicaId replica, std::uint64_t epoch,
                                            const BoxId& box_id) const {
  for (const std::uint64_t age : {0, 1}) {
    if (age > epoch) break;
    std::string value;
    const auto found = table_->get(box_key(replica, epoch - age, box_id), value);
    if (found == BoxTable::Found::kNo) continue;
    if (found == BoxTable::Found::kFailed) return {};
    auto parsed = bacap::parse_box(as_bytes(value));
    if (!parsed || parsed->used != value.size()) return {};
    const bool is_tombstone = parsed->value.is_tombstone();
    return {is_tombstone ? ReplicaCode::kTombstone : ReplicaCode::kSuccess,
            std::move(parsed->value)};
  }
  return {ReplicaCode::kBoxIdNotFound, Box{box_id, {}, {}}};
}

ReplicaCode ReplicaStore::put(ReplicaId replica, std::uint64_t epoch, const Box& box) {
  const Bytes value = bacap::encode_box(box);
  return table_->put(box_key(replica, epoch, box.id), std::string(as_text(value)))
             ? ReplicaCode::kSuccess
             : ReplicaCode::kDatabaseFailure;
}

std::vector<Box> ReplicaStore::boxes(ReplicaId replica, std::uint64_t epoch, std::string& cursor,
                                     std::size_t count) const {
  const auto begin = std::max(epoch_key(replica, epoch == 0 ? 0 : epoch - 1), cursor);
  const auto records = table_->scan(begin, epoch_key(replica, epoch + 1), count);
  std::vector<Box> out;
  for (const auto& [key, value] : records) {
    cursor = key + '\0';  // the first key behind this one
    auto parsed = bacap::parse_box(as_bytes(value));
    if (parsed) out.push_back(std::move(parsed->value));  // a damaged one concerns its readers
  }
  return out;
}

std::optional<ReplicaSet> ReplicaStore::members_seen_by(ReplicaId replica) const {
  std::string value;
  if (table_->get(members_key(replica), value) != BoxTable::Found::kYes) return std::nullopt;
  const ByteView ids = as_bytes(value);
  return ReplicaSet(ids.begin(), ids.end());
}

// One that is not recorded is only dealt with once more.
void ReplicaStore::record_members(ReplicaId replica, const ReplicaSet& members) {
  static_cast<void>(table_->put(members_key(replica), std::string(members.begin(), members.end())));
}

Status ReplicaStore::drop_older_than(ReplicaId replica, std::uint64_t epoch) {
  if (epoch < 2) return ok();
  return table_->drop(epoch_key(replica, 0), epoch_key(replica, epoch - 1));
}

}  // namespace taubenpost::localnet
