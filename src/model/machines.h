// The life of jobs, recipients and batches: every state, every event, every allowed move.
//
// These tables are the specification (design 4.1 to 4.3); docs/state-machines.md is generated from
// them and the store refuses a move that is not in them. "Has ended" means that nothing runs until
// the user says so; only a state that no move leaves is the end for good.
// length: one file for all machines, so that every state is seen at once.
#pragma once

#include <cstdint>

#include "model/machine.h"

namespace taubenpost {

// ---- send job --------------------------------------------------------------------------------
enum class SendState : std::uint8_t {
  kQueued = 1,      // the request is durable; nothing of the source was read
  kPreparing = 2,   // the source is being sealed into the spool
  kUploading = 3,   // spool and plan are durable; batches are on their way
  kCommitting = 4,  // the decision, every position and every letter's bytes are durable
  kPosted = 5,      // every letter is stored and was read back
  kFailed = 6,      // will not make progress until the user tries again
  kCancelled = 7,   // the user stopped it, called it back, or had it sent anew
};
enum class SendEvent : std::uint8_t {
  kStart,
  kPlanned,
  kDecided,
  kAllPosted,
  kGiveUp,
  kCancel,
  kShare,        // one more letter of a posted transfer
  kQueueAgain,   // tried again: nothing was planned
  kUploadAgain,  // tried again: the letters were not decided
  kCommitAgain,  // tried again: letters are missing
  kReplace,      // sent anew, as another job
  kFoundPosted,  // a resync found every letter: the job was posted before the backup was restored
  kRetract,      // called back, once a letter could be found
};

inline constexpr std::array kSendStates{
    SendState::kQueued, SendState::kPreparing, SendState::kUploading, SendState::kCommitting,
    SendState::kPosted, SendState::kFailed,    SendState::kCancelled};
using SendMove = Move<SendState, SendEvent>;
inline constexpr std::array kSendMoves{
    SendMove{SendState::kQueued, SendEvent::kStart, SendState::kPreparing},
    SendMove{SendState::kQueued, SendEvent::kGiveUp, SendState::kFailed},
    SendMove{SendState::kQueued, SendEvent::kCancel, SendState::kCancelled},
    SendMove{SendState::kPreparing, SendEvent::kPlanned, SendState::kUploading},
    SendMove{SendState::kPreparing, SendEvent::kGiveUp, SendState::kFailed},
    SendMove{SendState::kPreparing, SendEvent::kCancel, SendState::kCancelled},
    SendMove{SendState::kUploading, SendEvent::kDecided, SendState::kCommitting},
    SendMove{SendState::kUploading, SendEvent::kGiveUp, SendState::kFailed},
    SendMove{SendState::kUploading, SendEvent::kCancel, SendState::kCancelled},
    SendMove{SendState::kQueued, SendEvent::kFoundPosted, SendState::kPosted},
    SendMove{SendState::kPreparing, SendEvent::kFoundPosted, SendState::kPosted},
    SendMove{SendState::kUploading, SendEvent::kFoundPosted, SendState::kPosted},
    SendMove{SendState::kCommitting, SendEvent::kAllPosted, SendState::kPosted},
    SendMove{SendState::kCommitting, SendEvent::kGiveUp, SendState::kFailed},
    SendMove{SendState::kPosted, SendEvent::kShare, SendState::kCommitting},
    SendMove{SendState::kFailed, SendEvent::kQueueAgain, SendState::kQueued},
    SendMove{SendState::kFailed, SendEvent::kUploadAgain, SendState::kUploading},
    SendMove{SendState::kFailed, SendEvent::kCommitAgain, SendState::kCommitting},
    SendMove{SendState::kFailed, SendEvent::kCancel, SendState::kCancelled},
    SendMove{SendState::kFailed, SendEvent::kReplace, SendState::kCancelled},
    SendMove{SendState::kQueued, SendEvent::kRetract, SendState::kCancelled},
    SendMove{SendState::kPreparing, SendEvent::kRetract, SendState::kCancelled},
    SendMove{SendState::kUploading, SendEvent::kRetract, SendState::kCancelled},
    SendMove{SendState::kCommitting, SendEvent::kRetract, SendState::kCancelled},
    SendMove{SendState::kFailed, SendEvent::kRetract, SendState::kCancelled},
};
constexpr bool has_ended(SendState s) {
  return s == SendState::kPosted || s == SendState::kFailed || s == SendState::kCancelled;
}
static_assert(machine_ok(kSendMoves, kSendStates,
                         [](SendState s) { return s == SendState::kCancelled; }));

// ---- one recipient of a send job -------------------------------------------------------------
enum class RecipientState : std::uint8_t {
  kPending = 1,    // no position yet
  kReserved = 2,   // position and letter bytes are durable; once decided, it may be written
  kPosted = 3,     // the letter was read back
  kConflict = 4,   // the position holds something else
  kFailed = 5,     // gets no letter until the job is tried again; without a position if it is spent
  kRetracted = 6,  // the position was read and holds a tombstone
};
enum class RecipientEvent : std::uint8_t {
  kReserve,
  kReadBack,
  kTaken,
  kGiveUp,
  kTryAgain,
  kRetract,
};

inline constexpr std::array kRecipientStates{RecipientState::kPending, RecipientState::kReserved,
                                             RecipientState::kPosted,  RecipientState::kConflict,
                                             RecipientState::kFailed,  RecipientState::kRetracted};
using RecipientMove = Move<RecipientState, RecipientEvent>;
inline constexpr std::array kRecipientMoves{
    RecipientMove{RecipientState::kPending, RecipientEvent::kReserve, RecipientState::kReserved},
    RecipientMove{RecipientState::kPending, RecipientEvent::kGiveUp, RecipientState::kFailed},
    RecipientMove{RecipientState::kReserved, RecipientEvent::kReadBack, RecipientState::kPosted},
    RecipientMove{RecipientState::kReserved, RecipientEvent::kTaken, RecipientState::kConflict},
    RecipientMove{RecipientState::kReserved, RecipientEvent::kGiveUp, RecipientState::kFailed},
    RecipientMove{RecipientState::kConflict, RecipientEvent::kReserve, RecipientState::kReserved},
    RecipientMove{RecipientState::kConflict, RecipientEvent::kGiveUp, RecipientState::kFailed},
    RecipientMove{RecipientState::kFailed, RecipientEvent::kTryAgain, RecipientState::kReserved},
    RecipientMove{RecipientState::kFailed, RecipientEvent::kReserve, RecipientState::kReserved},
    RecipientMove{RecipientState::kReserved, RecipientEvent::kRetract, RecipientState::kRetracted},
    RecipientMove{RecipientState::kPosted, RecipientEvent::kRetract, RecipientState::kRetracted},
    RecipientMove{RecipientState::kFailed, RecipientEvent::kRetract, RecipientState::kRetracted},
};
// A commit has nothing left to do for this recipient.
constexpr bool is_settled(RecipientState s) {
  return s == RecipientState::kPosted || s == RecipientState::kFailed ||
         s == RecipientState::kRetracted;
}
static_assert(machine_ok(kRecipientMoves, kRecipientStates,
                         [](RecipientState s) { return s == RecipientState::kRetracted; }));

// ---- one batch -------------------------------------------------------------------------------
enum class BatchState : std::uint8_t {
  kPlanned = 1,    // its place is fixed; no generation is open, or its boxes are written straight
  kBuilding = 2,   // generation, temporary seed and courier are durable; elements are being made
  kCopying = 3,    // every element was acknowledged; the copy command may have been issued
  kVerifying = 4,  // the courier or the replicas say it is done; boxes are being read back
  kDone = 5,       // read back and equal; elements and buffer are gone
};
enum class BatchEvent : std::uint8_t { kOpen, kUploaded, kCopied, kWritten, kReadBack, kRespin };

inline constexpr std::array kBatchStates{BatchState::kPlanned, BatchState::kBuilding,
                                         BatchState::kCopying, BatchState::kVerifying,
                                         BatchState::kDone};
using BatchMove = Move<BatchState, BatchEvent>;
inline constexpr std::array kBatchMoves{
    BatchMove{BatchState::kPlanned, BatchEvent::kOpen, BatchState::kBuilding},
    BatchMove{BatchState::kPlanned, BatchEvent::kWritten, BatchState::kVerifying},
    BatchMove{BatchState::kBuilding, BatchEvent::kUploaded, BatchState::kCopying},
    BatchMove{BatchState::kBuilding, BatchEvent::kRespin, BatchState::kPlanned},
    BatchMove{BatchState::kCopying, BatchEvent::kCopied, BatchState::kVerifying},
    BatchMove{BatchState::kCopying, BatchEvent::kRespin, BatchState::kPlanned},
    BatchMove{BatchState::kVerifying, BatchEvent::kReadBack, BatchState::kDone},
    BatchMove{BatchState::kVerifying, BatchEvent::kRespin, BatchState::kPlanned},
};
constexpr bool is_terminal(BatchState s) { return s == BatchState::kDone; }
static_assert(machine_ok(kBatchMoves, kBatchStates, [](BatchState s) { return is_terminal(s); }));

// ---- retraction of a send job -------------------------------------------------------------------
enum class RetractState : std::uint8_t {
  kPlanned = 1,    // it is durable that the transfer is called back; nothing was overwritten yet
  kWriting = 2,    // which positions are overwritten is durable; letters first, then the body
  kRetracted = 3,  // every position holds a tombstone
  kFailed = 4,     // will not make progress until the user says so again
};
enum class RetractEvent : std::uint8_t { kStart, kAllWritten, kGiveUp, kAgain };

inline constexpr std::array kRetractStates{RetractState::kPlanned, RetractState::kWriting,
                                           RetractState::kRetracted, RetractState::kFailed};
using RetractMove = Move<RetractState, RetractEvent>;
inline constexpr std::array kRetractMoves{
    RetractMove{RetractState::kPlanned, RetractEvent::kStart, RetractState::kWriting},
    RetractMove{RetractState::kPlanned, RetractEvent::kGiveUp, RetractState::kFailed},
    RetractMove{RetractState::kWriting, RetractEvent::kAllWritten, RetractState::kRetracted},
    RetractMove{RetractState::kWriting, RetractEvent::kGiveUp, RetractState::kFailed},
    RetractMove{RetractState::kFailed, RetractEvent::kAgain, RetractState::kPlanned},
};
constexpr bool has_ended(RetractState s) {
  return s == RetractState::kRetracted || s == RetractState::kFailed;
}
static_assert(machine_ok(kRetractMoves, kRetractStates,
                         [](RetractState s) { return s == RetractState::kRetracted; }));

// ---- receive job -----------------------------------------------------------------------------
enum class ReceiveState : std::uint8_t {
  kWaiting = 1,   // the letter is durable; nothing was fetched
  kFetching = 2,  // body boxes are written into the part file
  kChecking = 3,  // every byte is in the part file and synced
  kPlacing = 4,   // target, device and inode are durable; the rename may have happened
  kPlaced = 5,    // the file is at its target, synced
  kFailed = 6,    // can't be completed; the reason is stored
  kVerified = 7,  // the part file is what was sent; where it is placed will be decided later
};
enum class ReceiveEvent : std::uint8_t {
  kStart,
  kFetched,
  kChecked,
  kNewTarget,
  kPlaced,
  kGiveUp,
  kVerified,  // checked, where no more was asked for
  kAgain,     // tried again, or to be placed; what the part file holds is not fetched again
};

inline constexpr std::array kReceiveStates{ReceiveState::kWaiting,  ReceiveState::kFetching,
                                           ReceiveState::kChecking, ReceiveState::kPlacing,
                                           ReceiveState::kPlaced,   ReceiveState::kFailed,
                                           ReceiveState::kVerified};
using ReceiveMove = Move<ReceiveState, ReceiveEvent>;
inline constexpr std::array kReceiveMoves{
    ReceiveMove{ReceiveState::kWaiting, ReceiveEvent::kStart, ReceiveState::kFetching},
    ReceiveMove{ReceiveState::kWaiting, ReceiveEvent::kGiveUp, ReceiveState::kFailed},
    ReceiveMove{ReceiveState::kFetching, ReceiveEvent::kFetched, ReceiveState::kChecking},
    ReceiveMove{ReceiveState::kFetching, ReceiveEvent::kGiveUp, ReceiveState::kFailed},
    ReceiveMove{ReceiveState::kChecking, ReceiveEvent::kChecked, ReceiveState::kPlacing},
    ReceiveMove{ReceiveState::kChecking, ReceiveEvent::kGiveUp, ReceiveState::kFailed},
    ReceiveMove{ReceiveState::kPlacing, ReceiveEvent::kNewTarget, ReceiveState::kPlacing},
    ReceiveMove{ReceiveState::kPlacing, ReceiveEvent::kPlaced, ReceiveState::kPlaced},
    ReceiveMove{ReceiveState::kPlacing, ReceiveEvent::kGiveUp, ReceiveState::kFailed},
    ReceiveMove{ReceiveState::kChecking, ReceiveEvent::kVerified, ReceiveState::kVerified},
    ReceiveMove{ReceiveState::kVerified, ReceiveEvent::kAgain, ReceiveState::kWaiting},
    ReceiveMove{ReceiveState::kFailed, ReceiveEvent::kAgain, ReceiveState::kWaiting},
};
constexpr bool has_ended(ReceiveState s) {
  return s == ReceiveState::kPlaced || s == ReceiveState::kFailed || s == ReceiveState::kVerified;
}
static_assert(machine_ok(kReceiveMoves, kReceiveStates,
                         [](ReceiveState s) { return s == ReceiveState::kPlaced; }));

constexpr auto after(SendState s, SendEvent e) { return next_state(kSendMoves, s, e); }
constexpr auto after(RecipientState s, RecipientEvent e) {
  return next_state(kRecipientMoves, s, e);
}
constexpr auto after(BatchState s, BatchEvent e) { return next_state(kBatchMoves, s, e); }
constexpr auto after(RetractState s, RetractEvent e) { return next_state(kRetractMoves, s, e); }
constexpr auto after(ReceiveState s, ReceiveEvent e) { return next_state(kReceiveMoves, s, e); }

}  // namespace taubenpost
