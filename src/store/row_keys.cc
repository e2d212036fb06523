#include "store/row_keys.h"

#include "base/bytes.h"
#include "base/check.h"

namespace taubenpost {
namespace {

// First byte of keys where one family holds several kinds of rows.
constexpr std::uint8_t kHeader = 1, kSlot = 2, kIdentity = 3;                  // meta
constexpr std::uint8_t kSend = 1, kReceive = 2, kRecipient = 3, kRetract = 4;  // jobs
constexpr std::uint8_t kElement = 0, kAck = 1;                         // elements, inside the key
constexpr std::uint8_t kByCounter = 1, kByTransfer = 2, kAwaited = 3;  // inbox

class KeyBuilder {
 public:
  explicit KeyBuilder(Family family) : family_(family) {}
  template <std::unsigned_integral Int>
  KeyBuilder& add(Int value) {
    append_be(bytes_, value);
    return *this;
  }
  KeyBuilder& add(ByteView view) {
    append(bytes_, view);
    return *this;
  }
  RowKey key() const { return RowKey{family_, std::string(as_text(bytes_))}; }

 private:
  Family family_;
  Bytes bytes_;
};

KeyBuilder elements_of(JobId job, BatchIndex batch) {
  return KeyBuilder(Family::kElements).add(job).add(batch.value());
}

}  // namespace

std::string_view family_name(Family family) {
  switch (family) {
    case Family::kMeta:
      return "meta";
    case Family::kJobs:
      return "jobs";
    case Family::kBatches:
      return "batches";
    case Family::kElements:
      return "elements";
    case Family::kChannels:
      return "channels";
    case Family::kInbox:
      return "inbox";
    case Family::kJournal:
      return "journal";
  }
  TP_CHECK(false);
}

RowKey header_key() { return KeyBuilder(Family::kMeta).add(kHeader).key(); }
RowKey slot_key(std::uint32_t slot) { return KeyBuilder(Family::kMeta).add(kSlot).add(slot).key(); }
RowKey slot_prefix() { return KeyBuilder(Family::kMeta).add(kSlot).key(); }
RowKey identity_key() { return KeyBuilder(Family::kMeta).add(kIdentity).key(); }

RowKey send_job_key(JobId job) { return KeyBuilder(Family::kJobs).add(kSend).add(job).key(); }
RowKey send_job_prefix() { return KeyBuilder(Family::kJobs).add(kSend).key(); }
RowKey receive_job_key(JobId job) { return KeyBuilder(Family::kJobs).add(kReceive).add(job).key(); }
RowKey receive_job_prefix() { return KeyBuilder(Family::kJobs).add(kReceive).key(); }
RowKey retract_job_key(JobId job) { return KeyBuilder(Family::kJobs).add(kRetract).add(job).key(); }
RowKey retract_job_prefix() { return KeyBuilder(Family::kJobs).add(kRetract).key(); }
RowKey recipient_key(JobId job, RecipientIndex index) {
  return KeyBuilder(Family::kJobs).add(kRecipient).add(job).add(index.value()).key();
}
RowKey recipient_prefix() { return KeyBuilder(Family::kJobs).add(kRecipient).key(); }
RowKey recipient_prefix(JobId job) {
  return KeyBuilder(Family::kJobs).add(kRecipient).add(job).key();
}

RowKey batch_key(JobId job, BatchIndex batch) {
  return KeyBuilder(Family::kBatches).add(job).add(batch.value()).key();
}
RowKey batch_prefix(JobId job) { return KeyBuilder(Family::kBatches).add(job).key(); }

RowKey element_key(JobId job, BatchIndex batch, Generation generation, ElementIndex index) {
  return elements_of(job, batch).add(generation.value()).add(kElement).add(index.value()).key();
}
RowKey element_prefix(JobId job, BatchIndex batch, Generation generation) {
  return elements_of(job, batch).add(generation.value()).add(kElement).key();
}
RowKey ack_key(JobId job, BatchIndex batch, Generation generation, ElementIndex index) {
  return elements_of(job, batch).add(generation.value()).add(kAck).add(index.value()).key();
}
RowKey ack_prefix(JobId job, BatchIndex batch, Generation generation) {
  return elements_of(job, batch).add(generation.value()).add(kAck).key();
}
RowKey all_elements_prefix(JobId job, BatchIndex batch) { return elements_of(job, batch).key(); }

RowKey channel_key(ChannelId channel) { return KeyBuilder(Family::kChannels).add(channel).key(); }
RowKey channel_prefix() { return KeyBuilder(Family::kChannels).key(); }

RowKey inbox_key(ChannelId channel, std::uint64_t counter) {
  return KeyBuilder(Family::kInbox).add(kByCounter).add(channel).add(counter).key();
}
RowKey inbox_prefix(ChannelId channel) {
  return KeyBuilder(Family::kInbox).add(kByCounter).add(channel).key();
}
RowKey inbox_transfer_key(ChannelId channel, TransferId transfer) {
  return KeyBuilder(Family::kInbox).add(kByTransfer).add(channel).add(transfer).key();
}
RowKey awaited_key(ChannelId channel, std::uint64_t counter) {
  return KeyBuilder(Family::kInbox).add(kAwaited).add(channel).add(counter).key();
}
RowKey awaited_prefix(ChannelId channel) {
  return KeyBuilder(Family::kInbox).add(kAwaited).add(channel).key();
}

RowKey journal_key(JobId job, std::uint64_t time_ms, std::uint32_t sequence) {
  return KeyBuilder(Family::kJournal).add(job).add(time_ms).add(sequence).key();
}
RowKey journal_prefix(JobId job) { return KeyBuilder(Family::kJournal).add(job).key(); }
RowKey journal_prefix(JobId job, std::uint64_t time_ms) {
  return KeyBuilder(Family::kJournal).add(job).add(time_ms).key();
}

std::uint32_t key_tail(std::string_view key) {
  TP_CHECK(key.size() >= 4);
  return read_be<std::uint32_t>(as_bytes(key.substr(key.size() - 4)));
}

}  // namespace taubenpost
