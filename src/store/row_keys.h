// Where each row lives: column families and keys, one function per key (schema/store.md).
//
// Keys are fixed-width and big-endian, so that byte order is numeric order. A prefix function gives
// the common beginning of the keys of one scan.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/rows.h"

namespace taubenpost {

// Numbers are positions in kFamilies only; on disk a family is known by its name.
enum class Family : std::uint8_t {
  kMeta,
  kJobs,
  kBatches,
  kElements,
  kChannels,
  kInbox,
  kJournal,
};
inline constexpr std::array kFamilies{Family::kMeta,     Family::kJobs,     Family::kBatches,
                                      Family::kElements, Family::kChannels, Family::kInbox,
                                      Family::kJournal};
std::string_view family_name(Family family);

struct RowKey {
  Family family;
  std::string bytes;
};

// meta
RowKey header_key();
RowKey slot_key(std::uint32_t slot);
RowKey slot_prefix();
RowKey identity_key();
// jobs
RowKey send_job_key(JobId job);
RowKey send_job_prefix();
RowKey receive_job_key(JobId job);
RowKey receive_job_prefix();
RowKey retract_job_key(JobId job);
RowKey retract_job_prefix();
RowKey recipient_key(JobId job, RecipientIndex index);
RowKey recipient_prefix();
RowKey recipient_prefix(JobId job);
// batches
RowKey batch_key(JobId job, BatchIndex batch);
RowKey batch_prefix(JobId job);
// elements
RowKey element_key(JobId job, BatchIndex batch, Generation generation, ElementIndex index);
RowKey element_prefix(JobId job, BatchIndex batch, Generation generation);
RowKey ack_key(JobId job, BatchIndex batch, Generation generation, ElementIndex index);
RowKey ack_prefix(JobId job, BatchIndex batch, Generation generation);
RowKey all_elements_prefix(JobId job, BatchIndex batch);
// channels
RowKey channel_key(ChannelId channel);
RowKey channel_prefix();
// inbox
RowKey inbox_key(ChannelId channel, std::uint64_t counter);
RowKey inbox_prefix(ChannelId channel);
RowKey inbox_transfer_key(ChannelId channel, TransferId transfer);
RowKey awaited_key(ChannelId channel, std::uint64_t counter);
RowKey awaited_prefix(ChannelId channel);
// journal
RowKey journal_key(JobId job, std::uint64_t time_ms, std::uint32_t sequence);
RowKey journal_prefix(JobId job);
RowKey journal_prefix(JobId job, std::uint64_t time_ms);

// The number in the last four bytes of a key.
std::uint32_t key_tail(std::string_view key);

}  // namespace taubenpost
