#include "engine/forecast.h"

#include <algorithm>
#include <utility>

#include "bacap/epochs.h"
#include "engine/ageing.h"
#include "engine/bodies.h"
#include "engine/job_queue.h"
#include "engine/upload_rate.h"
#include "model/has_upload.h"

namespace taubenpost {
namespace {

// Until a job is planned: boxes of the usual geometry.
constexpr std::uint64_t kUsualChunk = 1'545;

// A chunk that is copied costs 2,003 of the 1,549 bytes that an element carries, and its batch a
// copy now and then.
std::uint64_t packets_for(std::uint64_t boxes, Way way) {
  return way == Way::kDirect ? boxes * kPacketsOfConfirmedWrite : boxes * 13 / 10 + 1;
}
std::uint64_t boxes_in(std::uint64_t packets, Way way) {
  return way == Way::kDirect ? packets / kPacketsOfConfirmedWrite : packets * 10 / 13;
}
constexpr std::uint64_t seconds_for(std::uint64_t packets, std::uint64_t rate) {
  return packets * 1000 / rate;
}

bool uploads(const SendJobRow& row) {
  return !has_ended(row.state) && !row.paused && lane_of(row) == Lane::kBodies;
}

std::uint64_t boxes_of(const SendJobRow& row) {
  if (row.plan.boxes > 0) return row.plan.boxes;
  return copies_of(row) * ((size_to_send(row) + kUsualChunk - 1) / kUsualChunk);
}

Result<std::uint64_t> packets_left(const ports::Store& store, const SendJobRow& row) {
  const Result<std::uint64_t> done = boxes_done(store, row);
  if (!done) return done.error();
  return packets_for(boxes_of(row) - std::min(*done, boxes_of(row)), row.transport);
}

std::string days(std::uint64_t seconds) {
  const std::uint64_t tenths = seconds * 10 / 86'400;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " days";
}

}  // namespace

bool is_taken_in(const SendJobRow& row) {
  return row.plan.box_max != 0 || row.source_kind == SourceKind::kStandardInput;
}

std::uint64_t size_to_send(const SendJobRow& row) {
  return is_taken_in(row) ? row.plan.size : row.identity.size;
}

Result<std::uint64_t> boxes_done(const ports::Store& store, const SendJobRow& row) {
  // Batches that were opened are done, but for those that still have a row.
  std::uint64_t done = boxes_opened(row);
  if (!has_upload(row)) return done;
  const Result<std::vector<BatchRow>> open = store.batches(row.id);
  if (!open) return open.error();
  for (const BatchRow& batch : *open)
    if (is_body(batch.index) && batch.state != BatchState::kDone)
      done -= std::min<std::uint64_t>(done, batch.count);
  return done;
}

Result<std::map<JobId, std::uint64_t>> forecast(const ports::Store& store,
                                                const std::vector<SendJobRow>& rows,
                                                std::uint64_t now) {
  std::map<JobId, std::uint64_t> ends;
  const Result<StoreIdentityRow> identity = store.identity();
  if (!identity) return identity.error();
  if (identity->upload_rate == 0) return ends;
  std::vector<const SendJobRow*> queue;
  for (const SendJobRow& row : rows)
    if (uploads(row)) queue.push_back(&row);
  std::ranges::sort(queue, {},
                    [](const SendJobRow* row) { return std::pair(rank_of(*row), row->id); });
  std::uint64_t packets = 0;
  for (const SendJobRow* const row : queue) {
    const Result<std::uint64_t> own = packets_left(store, *row);
    if (!own) return own.error();
    const std::uint64_t in_turn = now + seconds_for(packets + *own, identity->upload_rate);
    ends[row->id] = std::max(in_turn, row->not_before + seconds_for(*own, identity->upload_rate));
    if (row->not_before <= now) packets += *own;  // the others hold up nobody until they begin
  }
  return ends;
}

Status fits_in_time(const ports::Store& store, const SendJobRow& row, std::uint64_t now) {
  if (!uploads(row)) return ok();
  const Result<StoreIdentityRow> identity = store.identity();
  if (!identity) return identity.error();
  if (identity->upload_rate == 0) return ok();
  Result<std::vector<SendJobRow>> rows = store.send_job_rows();
  if (!rows) return rows.error();
  rows->push_back(row);
  const Result<std::map<JobId, std::uint64_t>> ends = forecast(store, *rows, now);
  if (!ends) return ends.error();
  const std::uint64_t end = ends->at(row.id);
  const std::uint64_t takes =
      seconds_for(packets_for(boxes_of(row), row.transport), identity->upload_rate);
  const std::uint64_t begin = end - takes;
  // The epoch of its first box decides when that ages out.
  const std::uint64_t until = ages_out_at(bacap::replica_epoch(begin)) - kRecipientSlackS;
  if (end <= until) return ok();
  const std::uint64_t room =
      boxes_in((until - begin) * identity->upload_rate / 1000, row.transport) * kUsualChunk;
  return error(Errc::kRefused,
               printable(row.source) + ": its upload takes " + days(takes) +
                   " at the measured rate, and its first boxes age out before recipients have a "
                   "day to fetch it",
               "at most " + std::to_string(room >> 20) +
                   " MiB would fit; --allow-expiry-risk queues it all the same");
}

bool is_usually_too_large(std::uint64_t size) {
  const std::uint64_t takes =
      seconds_for(packets_for(size / kUsualChunk + 1, Way::kCopy), kUsualRate);
  return takes + kRecipientSlackS > bacap::kReplicaEpochSeconds;
}

}  // namespace taubenpost
