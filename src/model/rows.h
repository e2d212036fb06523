// The rows of the job store: plain data. How they are sealed and keyed is schema/store.md.
//
// Every row that changes has a `revision`: a change names the revision that it read, and the store
// refuses it if the row has moved on (invariant 4). Secrets inside rows (capabilities, seeds,
// elements) are sealed on disk; in memory they are plain byte arrays of short-lived rows.
// Times are Unix seconds unless the name says milliseconds.
// length: one file for all rows, so that the whole durable state is seen at once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/layout.h"
#include "model/machines.h"
#include "model/units.h"

namespace taubenpost {

// Where a courier is reached: hash of its identity key, and its queue.
struct CourierRow {
  Bytes32 identity_hash{};
  std::string queue_id;
  bool operator==(const CourierRow&) const = default;
};

// What a source file was when it was queued; a difference means that it changed.
struct SourceIdentity {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t mtime_ns = 0, ctime_ns = 0;
  bool operator==(const SourceIdentity&) const = default;
};

// Fixed when preparing ends; everything that a restart needs to build any batch again.
struct SendPlan {
  std::uint64_t size = 0;     // bytes as stored in the body
  Bytes32 digest{};           // BLAKE2b-256 of them
  std::uint64_t box_max = 0;  // *Max* of the geometry that the job is bound to
  std::uint64_t boxes = 0;    // of the body, or of content in all channels; 0: see `inline_data`
  std::uint32_t batch_chunks = 0;
  std::uint32_t slice_chunks = 0;
  Bytes32 body_seed{};
  Bytes inline_data;  // the content itself, when it fits into the letter
  // Of the content before the encoding, which recipients get back; zeros before row version 14.
  Encoding encoding = Encoding::kNone;
  std::uint64_t usize = 0;
  Bytes32 udigest{};
  bool operator==(const SendPlan&) const = default;
};

// Where the bytes of a send job come from.
enum class SourceKind : std::uint8_t {
  kPath = 1,           // paths, which are sealed into the spool when the job has its turn
  kInPlace = 2,        // a file that is read where it is; it may not change until the job is posted
  kStandardInput = 3,  // was sealed into the spool before the job was queued
};

struct SendJobRow {
  JobId id{};
  std::uint32_t revision = 0;
  SendState state = SendState::kQueued;
  std::uint64_t created = 0;
  std::string source;  // absolute path
  SourceIdentity identity;
  std::string name;  // base name in the letter
  std::string note;
  std::uint32_t mode = 0;
  std::int64_t mtime = 0;
  TransferId transfer{};
  std::uint32_t recipients = 0;  // RecipientRows 0 … recipients − 1
  SendPlan plan;
  std::uint32_t next_batch = 0;       // batches below were opened; those without a row are done
  IndexBytes next_batch_index{};      // body index of the first chunk of `next_batch`
  std::uint64_t first_epoch = 0;      // replica epoch when the first batch was opened
  std::uint64_t sent = 0, until = 0;  // of the decision; never recomputed
  std::uint64_t finished = 0;
  std::uint16_t error_code = 0;  // Errc of a failed job
  std::string error_text;
  bool paused = false;           // starts no new work; never set once the letters are decided
  std::int8_t priority = 0;      // engine/job_queue.h
  std::uint64_t not_before = 0;  // nothing of it is done earlier; 0: at once
  std::uint64_t deadline = 0;    // fails if its letters are not decided by then; 0: none
  std::string key;               // its user's idempotency key, or empty
  Bytes32 request{};             // with a key: digest of what was asked for
  std::uint32_t window = 0;      // its writes in flight, at most; 0: as many as the engine has
  Way transport = Way::kCopy;    // of the body
  Way commit = Way::kCopy;       // of the letters
  std::uint64_t expire = 0;      // seconds from `sent` until it is retracted; 0: never
  bool archive = false;          // a tar of `source`, a folder, or of several sources
  std::vector<std::string> more_sources;  // absolute paths
  Layout layout = Layout::kLetters;       // of all its channels
  SourceKind source_kind = SourceKind::kPath;
  bool chooses_transport = false;  // preparing sets `transport` by what was measured
  bool separate_bodies = false;    // a body for each recipient
  JobId receipt_for{};             // its letter confirms that receive job; zeros: it has content
  bool operator==(const SendJobRow&) const = default;
};

struct RecipientRow {
  JobId job{};
  RecipientIndex index;
  std::uint32_t revision = 0;
  RecipientState state = RecipientState::kPending;
  ChannelId channel{};
  std::string channel_name;   // as it was called when the job was queued
  IndexBytes position{};      // reserved position; zeros: none, or it was found to be spent
  std::uint64_t counter = 0;  // its counter
  Bytes letter;               // final bytes; inline: those of the header
  std::string error_text;
  std::uint64_t received = 0;  // as its receipt says; 0: there was none
  bool operator==(const RecipientRow&) const = default;
};

struct BatchRow {
  JobId job{};
  BatchIndex index;
  std::uint32_t revision = 0;
  BatchState state = BatchState::kPlanned;
  // Its place: chunks [first, first + count) of the body, or as many recipients; in a retraction
  // places in RetractJobRow.letters.
  std::uint64_t first = 0;
  std::uint32_t count = 0;
  IndexBytes body_index{};  // of box `first`; unused where a batch writes to several sequences
  // The open generation.
  Generation generation{0};
  Bytes32 temporary_seed{};
  CourierRow courier;
  std::vector<CourierRow> failed_couriers;  // of this generation: never asked again
  std::uint32_t built = 0;                  // items whose elements are stored
  std::uint32_t elements = 0;               // elements stored
  Bytes buffer;                             // residue for the next builder call; of boxes that
                                            // are written straight: 1 for each confirmed one
  IndexBytes next_index{};                  // of item `built`, in the same way
  std::uint64_t epoch = 0;                  // replica epoch of the oldest envelope
  std::uint64_t copy_issued_ms = 0;         // 0: never issued in this generation
  bool confirmed_writes = false;            // write the elements again at level 2
  std::uint64_t not_before_ms = 0;          // planned: the next generation is not opened earlier
  bool operator==(const BatchRow&) const = default;
};

// Calling back one send job, which is at its end; at most one for each, under its id.
struct RetractJobRow {
  JobId job{};
  std::uint32_t revision = 0;
  RetractState state = RetractState::kPlanned;
  std::uint64_t created = 0;
  bool direct = false;                       // each box is written by itself, without copy streams
  std::uint64_t boxes = 0;                   // of the body: [0, boxes) are overwritten
  std::vector<std::uint64_t> may_have_seen;  // recipients whose letter could be found until then
  std::vector<std::uint64_t> letters;        // recipients whose positions are overwritten
  std::uint32_t next_batch = 0;              // of the body's tombstones
  std::uint64_t next_box = 0;                // boxes below are in a batch
  IndexBytes next_index{};                   // body index of box `next_box`
  std::uint64_t finished = 0;
  std::uint16_t error_code = 0;  // Errc of a failed one
  std::string error_text;
  bool operator==(const RetractJobRow&) const = default;
};

// One element of the open generation of a batch; `acked` is a row of its own, written later.
struct ElementRow {
  JobId job{};
  BatchIndex batch;
  Generation generation;
  ElementIndex index;
  Bytes bytes;
  bool operator==(const ElementRow&) const = default;
};

enum class ChannelDirection : std::uint8_t { kOutgoing = 1, kIncoming = 2 };

// Which transfers of an incoming channel become receive jobs by themselves (engine/inbox.h).
enum class Accept : std::uint8_t {
  kAuto = 1,   // all within the limits
  kAsk = 2,    // none: each waits for its user
  kNever = 3,  // none: each is refused
};

struct ChannelRules {
  Accept accept = Accept::kAuto;
  std::uint64_t max_size = 1ULL << 30;  // bytes of a transfer
  std::uint32_t max_pending = 100;      // unfinished receive jobs
  bool operator==(const ChannelRules&) const = default;
};

// What becomes of a received file whose name is taken in its folder.
enum class IfExists : std::uint8_t {
  kRename = 1,   // it gets a number
  kFail = 2,     // its job fails
  kReplace = 3,  // it takes the place of the file that is there, in one step
};

// What becomes of the transfers of an incoming channel that nobody asks for by hand.
struct ChannelDelivery {
  std::string folder;  // absolute; empty: they wait
  bool unpack = false;
  IfExists if_exists = IfExists::kRename;
  std::string on_received;  // as in ReceiveJobRow
  bool operator==(const ChannelDelivery&) const = default;
};

struct ChannelRow {
  ChannelId id{};
  std::uint32_t revision = 0;
  std::string name;  // unique in the store
  ChannelDirection direction = ChannelDirection::kOutgoing;
  Bytes capability;           // outgoing: write capability (168), incoming: read capability (136)
  IndexBytes next{};          // outgoing: next free position; incoming: next position to read
  std::uint64_t counter = 0;  // counter of `next`
  bool bound = false;         // `network` is known
  NetworkId network{};
  std::uint64_t created = 0;
  std::uint64_t found = 0;  // incoming: last box; unsynchronised: last use before the restoration
  // Outgoing, after a backup was restored: positions from `next` on may be used (design 4.5).
  bool unsynchronised = false;
  // The job that has the channel for itself: incoming, it reads the boxes from `next` on, as a
  // stream; outgoing and inline, it writes the boxes before. Zeros: none.
  JobId stream{};
  ChannelRules rules;            // incoming
  std::uint32_t deferred = 0;    // incoming: rows of its inbox of that kind
  std::uint64_t read_up_to = 0;  // incoming: where `counter` was before it was set back, or 0
  Layout layout = Layout::kLetters;
  // The channel, of the other direction, with receipts for the transfers of this one; zeros: none.
  ChannelId receipts{};
  bool of_receipts = false;  // it is such a channel
  ChannelDelivery delivery;  // incoming
  bool operator==(const ChannelRow&) const = default;
};

enum class InboxKind : std::uint8_t {
  kLetter = 1,     // a transfer; `job` fetches it
  kDuplicate = 2,  // a transfer that another position of this channel already announced
  kUnknown = 3,    // a type that this version does not know: kept
  kInvalid = 4,    // malformed: kept for inspection
  kRetracted = 5,  // a tombstone
  kLost = 6,       // was awaited until no box could be there any more
  kHeld = 7,       // a transfer that waits for its user
  kRefused = 8,    // a transfer that the channel's rules don't take
  kDeferred = 9,   // a transfer that is taken by a later round
  kSkipped = 10,   // `positions` from here on were not read: their user went past them
};
// Whether the row stands for a transfer of its channel, of which there is one.
constexpr bool holds_transfer(InboxKind kind) {
  return kind == InboxKind::kLetter || kind == InboxKind::kHeld || kind == InboxKind::kRefused ||
         kind == InboxKind::kDeferred;
}

struct InboxRow {
  ChannelId channel{};
  std::uint64_t counter = 0;  // position in the channel
  InboxKind kind = InboxKind::kLetter;
  TransferId transfer{};
  JobId job{};
  std::uint64_t seen = 0;
  Bytes content;           // the box as read
  std::string reason;      // why it is invalid, or not taken
  bool discarded = false;  // its user wants to see no more of it; it has no content
  std::uint64_t positions = 1;
  bool operator==(const InboxRow&) const = default;
};

// A position of an incoming channel that was empty when a later one was found.
struct AwaitedRow {
  ChannelId channel{};
  std::uint64_t counter = 0;
  IndexBytes index{};
  std::uint64_t since = 0;
  bool operator==(const AwaitedRow&) const = default;
};

struct ReceiveJobRow {
  JobId id{};
  std::uint32_t revision = 0;
  ReceiveState state = ReceiveState::kWaiting;
  std::uint64_t created = 0;
  ChannelId channel{};
  std::string channel_name;
  std::uint64_t counter = 0;          // position of the letter
  Bytes letter;                       // as read: engine/incoming.h decodes it
  std::string folder;                 // absolute; where the file will be placed
  std::uint64_t prefix = 0;           // chunks (of a stream: bytes) below are written and synced
  IndexBytes prefix_index{};          // of the box that goes on there
  std::vector<std::uint64_t> beyond;  // chunks above `prefix` that are written and synced, sorted
  std::string target;  // placing: the path that the rename uses; placed: the final path
  std::uint64_t device = 0, inode = 0;
  std::uint64_t finished = 0;
  std::uint16_t error_code = 0;
  std::string error_text;
  bool unpack = false;  // a tar becomes a folder
  IfExists if_exists = IfExists::kRename;
  std::string on_received;  // absolute path of a program that is run once it is placed, or empty
  bool reported = false;    // that program was run to its end
  bool operator==(const ReceiveJobRow&) const = default;
};

struct JournalRow {
  JobId job{};
  std::uint64_t time_ms = 0;
  std::string text;  // no secrets, no names from outside
  bool operator==(const JournalRow&) const = default;
};

// What binds the store: to itself, and from the first connection on to a network. How much of that
// is this sender's is measured.
struct StoreIdentityRow {
  StoreId store{};
  std::array<std::uint8_t, 16> incarnation{};
  std::uint64_t created = 0;
  bool bound = false;
  NetworkId network{};
  std::uint64_t upload_rate = 0;  // packets of bodies in a thousand seconds; 0: not measured yet
  bool operator==(const StoreIdentityRow&) const = default;
};

}  // namespace taubenpost
