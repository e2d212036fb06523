#include "store/row_codec.h"

#include <cereal/archives/portable_binary.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <ostream>
#include <streambuf>

#include "store/row_reader.h"

namespace taubenpost {
namespace {

// A stream that appends to a byte vector; cereal writes to streams only.
class BytesBuffer : public std::streambuf {
 public:
  explicit BytesBuffer(Bytes& out) : out_(out) {}

 protected:
  std::streamsize xsputn(const char* data, std::streamsize size) override {
    append(out_, as_bytes({data, static_cast<std::size_t>(size)}));
    return size;
  }
  int_type overflow(int_type c) override {
    out_.push_back(static_cast<std::uint8_t>(traits_type::to_char_type(c)));
    return c;
  }

 private:
  Bytes& out_;
};

}  // namespace

// ---- values that may be on disk; found by RowReader through the namespace of their types ------
constexpr bool is_stored_value(SendState s) { return is_known(kSendStates, s); }
constexpr bool is_stored_value(RecipientState s) { return is_known(kRecipientStates, s); }
constexpr bool is_stored_value(BatchState s) { return is_known(kBatchStates, s); }
constexpr bool is_stored_value(RetractState s) { return is_known(kRetractStates, s); }
constexpr bool is_stored_value(ReceiveState s) { return is_known(kReceiveStates, s); }
constexpr bool is_stored_value(ChannelDirection d) {
  return d == ChannelDirection::kOutgoing || d == ChannelDirection::kIncoming;
}
constexpr bool is_stored_value(Layout l) { return l == Layout::kLetters || l == Layout::kInline; }
constexpr bool is_stored_value(Encoding e) { return e == Encoding::kNone || e == Encoding::kZstd; }
constexpr bool is_stored_value(SourceKind s) {
  return s >= SourceKind::kPath && s <= SourceKind::kStandardInput;
}
constexpr bool is_stored_value(Way w) { return w == Way::kCopy || w == Way::kDirect; }
constexpr bool is_stored_value(IfExists e) {
  return e >= IfExists::kRename && e <= IfExists::kReplace;
}
constexpr bool is_stored_value(InboxKind k) {
  return k >= InboxKind::kLetter && k <= InboxKind::kSkipped;
}
constexpr bool is_stored_value(Accept a) { return a >= Accept::kAuto && a <= Accept::kNever; }

template <class Tag, class Rep>
void save(cereal::PortableBinaryOutputArchive& archive, const StrongInt<Tag, Rep>& value) {
  archive(value.value());
}

// Members that came with a later row version stand at the end; an older row has none of them.
template <class... Members>
void since(std::uint8_t version, RowReader& reader, Members&... members) {
  if (reader.version() >= version) reader(members...);
}
template <class... Members>
void since(std::uint8_t, cereal::PortableBinaryOutputArchive& archive, const Members&... members) {
  archive(members...);
}

// ---- one function per row. The structured bindings name every member: a new one does not compile
// until it is written here, and then a golden test asks for a new row version. --------------------
template <class Archive>
void serialize(Archive& archive, CourierRow& row) {
  auto& [identity_hash, queue_id] = row;
  archive(identity_hash, queue_id);
}
template <class Archive>
void serialize(Archive& archive, SourceIdentity& row) {
  auto& [device, inode, size, mtime_ns, ctime_ns] = row;
  archive(device, inode, size, mtime_ns, ctime_ns);
}
template <class Archive>
void serialize(Archive& archive, SendPlan& row) {
  auto& [size, digest, box_max, boxes, batch_chunks, slice_chunks, body_seed, inline_data, encoding,
         usize, udigest] = row;
  archive(size, digest, box_max, boxes, batch_chunks, slice_chunks, body_seed, inline_data);
}
template <class Archive>
void serialize(Archive& archive, SendJobRow& row) {
  auto& [id, revision, state, created, source, identity, name, note, mode, mtime, transfer,
         recipients, plan, next_batch, next_batch_index, first_epoch, sent, until, finished,
         error_code, error_text, paused, priority, not_before, deadline, key, request, window,
         transport, commit, expire, is_archive, more_sources, layout, source_kind,
         chooses_transport, separate_bodies, receipt_for] = row;
  archive(id, revision, state, created, source, identity, name, note, mode, mtime, transfer,
          recipients, plan, next_batch, next_batch_index, first_epoch, sent, until, finished,
          error_code, error_text);
  since(2, archive, paused);
  since(5, archive, priority, not_before, deadline, key, request);
  since(8, archive, window, transport, commit, expire);
  since(9, archive, is_archive, more_sources);
  since(13, archive, layout);
  since(14, archive, plan.encoding, plan.usize, plan.udigest, source_kind, chooses_transport,
        separate_bodies, receipt_for);
}
template <class Archive>
void serialize(Archive& archive, RecipientRow& row) {
  auto& [job, index, revision, state, channel, channel_name, position, counter, letter, error_text,
         received] = row;
  archive(job, index, revision, state, channel, channel_name, position, counter, letter,
          error_text);
  since(14, archive, received);
}
template <class Archive>
void serialize(Archive& archive, BatchRow& row) {
  auto& [job, index, revision, state, first, count, body_index, generation, temporary_seed, courier,
         failed_couriers, built, elements, buffer, next_index, epoch, copy_issued_ms,
         confirmed_writes, not_before_ms] = row;
  archive(job, index, revision, state, first, count, body_index, generation, temporary_seed,
          courier, failed_couriers, built, elements, buffer, next_index, epoch, copy_issued_ms,
          confirmed_writes);
  since(5, archive, not_before_ms);
}
template <class Archive>
void serialize(Archive& archive, RetractJobRow& row) {
  auto& [job, revision, state, created, direct, boxes, may_have_seen, letters, next_batch, next_box,
         next_index, finished, error_code, error_text] = row;
  archive(job, revision, state, created, direct, boxes, may_have_seen, letters, next_batch,
          next_box, next_index, finished, error_code, error_text);
}
template <class Archive>
void serialize(Archive& archive, ElementRow& row) {
  auto& [job, batch, generation, index, bytes] = row;
  archive(job, batch, generation, index, bytes);
}
template <class Archive>
void serialize(Archive& archive, ChannelRow& row) {
  auto& [id, revision, name, direction, capability, next, counter, bound, network, created, found,
         unsynchronised, stream, rules, deferred, read_up_to, layout, receipts, of_receipts,
         delivery] = row;
  archive(id, revision, name, direction, capability, next, counter, bound, network, created);
  since(3, archive, found);
  since(4, archive, unsynchronised);
  since(7, archive, stream);
  since(11, archive, rules.accept, rules.max_size, rules.max_pending, deferred, read_up_to);
  since(13, archive, layout);
  since(14, archive, receipts, of_receipts, delivery.folder, delivery.unpack, delivery.if_exists,
        delivery.on_received);
}
template <class Archive>
void serialize(Archive& archive, InboxRow& row) {
  auto& [channel, counter, kind, transfer, job, seen, content, reason, discarded, positions] = row;
  archive(channel, counter, kind, transfer, job, seen, content, reason);
  since(11, archive, discarded, positions);
}
template <class Archive>
void serialize(Archive& archive, AwaitedRow& row) {
  auto& [channel, counter, index, since] = row;
  archive(channel, counter, index, since);
}
template <class Archive>
void serialize(Archive& archive, ReceiveJobRow& row) {
  auto& [id, revision, state, created, channel, channel_name, counter, letter, folder, prefix,
         prefix_index, beyond, target, device, inode, finished, error_code, error_text, unpack,
         if_exists, on_received, reported] = row;
  archive(id, revision, state, created, channel, channel_name, counter, letter, folder, prefix,
          prefix_index, beyond, target, device, inode, finished, error_code, error_text);
  since(9, archive, unpack);
  since(10, archive, if_exists);
  since(12, archive, on_received, reported);
}
template <class Archive>
void serialize(Archive& archive, JournalRow& row) {
  auto& [job, time_ms, text] = row;
  archive(job, time_ms, text);
}
template <class Archive>
void serialize(Archive& archive, StoreIdentityRow& row) {
  auto& [store, incarnation, created, bound, network, upload_rate] = row;
  archive(store, incarnation, created, bound, network);
  since(5, archive, upload_rate);
}
template <class Archive>
void serialize(Archive&, AckRow&) {}
template <class Archive>
void serialize(Archive& archive, InboxTransferRow& row) {
  auto& [counter] = row;
  archive(counter);
}

template <class Row>
Bytes encode(const Row& row) {
  Bytes out;
  BytesBuffer buffer(out);
  std::ostream stream(&buffer);
  using Archive = cereal::PortableBinaryOutputArchive;
  Archive archive(stream, Archive::Options::LittleEndian());
  archive(row);
  return out;
}

template <class Row>
Result<Row> decode(ByteView bytes, std::uint8_t version) {
  RowReader reader(bytes, version);
  Row row;
  reader(row);
  if (!reader.complete()) return error(Errc::kInvalid, "store.decode: malformed row");
  return row;
}

#define TP_ROW(Row)                  \
  template Bytes encode(const Row&); \
  template Result<Row> decode(ByteView, std::uint8_t);
TP_ROW(SendJobRow)
TP_ROW(RecipientRow)
TP_ROW(BatchRow)
TP_ROW(RetractJobRow)
TP_ROW(ElementRow)
TP_ROW(ChannelRow)
TP_ROW(InboxRow)
TP_ROW(AwaitedRow)
TP_ROW(ReceiveJobRow)
TP_ROW(JournalRow)
TP_ROW(StoreIdentityRow)
TP_ROW(AckRow)
TP_ROW(InboxTransferRow)
#undef TP_ROW

}  // namespace taubenpost
