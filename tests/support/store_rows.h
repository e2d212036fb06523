// Rows with every field set to something that is neither its default nor its neighbour's value.
#pragma once

#include <algorithm>
#include <string>

#include "model/rows.h"

namespace taubenpost::store_rows {

// N bytes: first, first + 1, …
template <std::size_t N>
std::array<std::uint8_t, N> run_of(std::uint8_t first) {
  std::array<std::uint8_t, N> out;
  for (std::size_t i = 0; i < N; ++i) out[i] = static_cast<std::uint8_t>(first + i);
  return out;
}
inline Bytes bytes_of(std::uint8_t first, std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(first + i);
  return out;
}

inline const JobId kJob = run_of<16>(0x10);
inline const JobId kOtherJob = run_of<16>(0x30);
inline const ChannelId kChannel = run_of<16>(0x50);
inline const TransferId kTransfer = run_of<16>(0x70);
inline const NetworkId kNetwork = run_of<32>(0x90);
inline constexpr BatchIndex kBatch{3};
inline constexpr Generation kGeneration{2};

inline SendJobRow send_job(JobId id = kJob) {
  SendJobRow row;
  row.id = id;
  row.revision = 0;
  row.state = SendState::kUploading;
  row.created = 0x0102030405060708;
  row.source = "/home/anna/report.pdf";
  row.identity = {0x11, 0x22, 0x33, -0x44, 0x55};
  row.name = "report.pdf";
  row.note = "für dich";
  row.mode = 0640;
  row.mtime = -77;
  row.transfer = kTransfer;
  row.recipients = 2;
  row.plan = {0x66,           run_of<32>(1),   1549,   0x77,          128, 8, run_of<32>(2),
              bytes_of(3, 5), Encoding::kZstd, 0x0102, run_of<32>(23)};
  row.next_batch = 4;
  row.next_batch_index = run_of<kIndexSize>(5);
  row.first_epoch = 0x88;
  row.sent = 0x99;
  row.until = 0xaa;
  row.finished = 0xbb;
  row.error_code = 0x0c0d;
  row.error_text = "no";
  row.paused = true;
  row.priority = -3;
  row.not_before = 0xcc;
  row.deadline = 0xdd;
  row.key = "day 7";
  row.request = run_of<32>(6);
  row.window = 0x0e0f;
  row.transport = Way::kDirect;
  row.commit = Way::kDirect;
  row.expire = 0xee;
  row.archive = true;
  row.more_sources = {"/b/no"};
  row.layout = Layout::kInline;
  row.source_kind = SourceKind::kInPlace;
  row.chooses_transport = true;
  row.separate_bodies = true;
  row.receipt_for = kOtherJob;
  return row;
}

inline RecipientRow recipient(RecipientIndex index = RecipientIndex{1}) {
  RecipientRow row;
  row.job = kJob;
  row.index = index;
  row.state = RecipientState::kReserved;
  row.channel = kChannel;
  row.channel_name = "bert";
  row.position = run_of<kIndexSize>(6);
  row.counter = 0x0706050403020100;
  row.letter = bytes_of(7, 6);
  row.error_text = "taken";
  row.received = 0x0809;
  return row;
}

inline BatchRow batch(BatchIndex index = kBatch) {
  BatchRow row;
  row.job = kJob;
  row.index = index;
  row.state = BatchState::kCopying;
  row.first = 0x0a0b;
  row.count = 128;
  row.body_index = run_of<kIndexSize>(8);
  row.generation = kGeneration;
  row.temporary_seed = run_of<32>(9);
  row.courier = {run_of<32>(10), "courier"};
  row.failed_couriers = {{run_of<32>(11), "first"}, {run_of<32>(12), ""}};
  row.built = 16;
  row.elements = 21;
  row.buffer = bytes_of(13, 7);
  row.next_index = run_of<kIndexSize>(14);
  row.epoch = 0x0c;
  row.copy_issued_ms = 0x0d;
  row.confirmed_writes = true;
  row.not_before_ms = 0x0e;
  return row;
}

inline RetractJobRow retract_job() {
  RetractJobRow row;
  row.job = kJob;
  row.state = RetractState::kWriting;
  row.created = 0x21;
  row.direct = true;
  row.boxes = 0x22;
  row.may_have_seen = {0x23};
  row.letters = {0x24, 0x0102030405060708};
  row.next_batch = 0x25;
  row.next_box = 0x26;
  row.next_index = run_of<kIndexSize>(22);
  row.finished = 0x27;
  row.error_code = 0x28;
  row.error_text = "refused";
  return row;
}

inline ElementRow element(std::uint32_t index, Generation generation = kGeneration) {
  return {kJob, kBatch, generation, ElementIndex{index},
          bytes_of(static_cast<std::uint8_t>(index), 9)};
}

inline ChannelRow channel(ChannelId id = kChannel, std::string name = "bert") {
  ChannelRow row;
  row.id = id;
  row.name = std::move(name);
  row.direction = ChannelDirection::kIncoming;
  row.capability = bytes_of(15, kReadCapSize);
  row.next = run_of<kIndexSize>(16);
  row.counter = 0x11;
  row.bound = true;
  row.network = kNetwork;
  row.created = 0x12;
  row.found = 0x1213;
  row.unsynchronised = true;
  row.stream = kOtherJob;
  row.rules = {Accept::kNever, 0x1415, 0x16};
  row.deferred = 0x17;
  row.read_up_to = 0x18;
  row.layout = Layout::kInline;
  row.receipts = run_of<16>(0x40);
  row.of_receipts = true;
  row.delivery = {"/in", true, IfExists::kFail, "/do"};
  return row;
}

inline InboxRow inbox(std::uint64_t counter = 0x13, InboxKind kind = InboxKind::kLetter) {
  return {kChannel, counter, kind, kTransfer, kJob, 0x14, bytes_of(17, 8), "why", true, 0x19};
}

inline AwaitedRow awaited(std::uint64_t counter = 0x15) {
  return {kChannel, counter, run_of<kIndexSize>(18), 0x1617};
}

inline ReceiveJobRow receive_job(JobId id = kJob) {
  ReceiveJobRow row;
  row.id = id;
  row.state = ReceiveState::kFetching;
  row.created = 0x15;
  row.channel = kChannel;
  row.channel_name = "anna";
  row.counter = 0x16;
  row.letter = bytes_of(18, 9);
  row.folder = "/home/bert/Downloads";
  row.prefix = 0x17;
  row.prefix_index = run_of<kIndexSize>(19);
  row.beyond = {0x18, 0x1a, 0x0102030405060708};
  row.target = "/home/bert/Downloads/report.pdf";
  row.device = 0x1b;
  row.inode = 0x1c;
  row.finished = 0x1d;
  row.error_code = 0x1e;
  row.error_text = "gone";
  row.unpack = true;
  row.if_exists = IfExists::kReplace;
  row.on_received = "/do";
  row.reported = true;
  return row;
}

inline JournalRow note(std::uint64_t time_ms = 0x1f, std::string text = "opened") {
  return {kJob, time_ms, std::move(text)};
}

inline StoreIdentityRow identity() {
  return {run_of<16>(20), run_of<16>(21), 0x20, true, kNetwork, 0x21};
}

}  // namespace taubenpost::store_rows
