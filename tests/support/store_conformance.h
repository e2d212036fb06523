// What every ports::Store does, as a typed suite that each implementation instantiates.
//
// Maker: default-constructible; open() gives a std::unique_ptr<ports::Store> on the same contents
// each time, after the one before was destroyed.
// length: one contract, one suite.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "support/store_commit.h"
#include "support/store_rows.h"

namespace taubenpost {

template <class Maker>
class StoreConformance : public testing::Test {
 protected:
  using Transaction = ports::Transaction;

  Status commit(Transaction transaction) { return commit_now(*store, std::move(transaction)); }
  void must(Transaction transaction) {
    const Status done = commit(std::move(transaction));
    ASSERT_TRUE(done) << done.error().what;
  }
  void reopen() {
    store.reset();
    store = maker.open();
  }

  Maker maker;
  std::unique_ptr<ports::Store> store = maker.open();
};

TYPED_TEST_SUITE_P(StoreConformance);

using ports::Transaction;
namespace rows = store_rows;

TYPED_TEST_P(StoreConformance, EveryRow_ComesBackWholeAfterReopen) {
  this->must(Transaction()
                 .create(rows::send_job())
                 .create(rows::recipient(RecipientIndex{0}))
                 .create(rows::recipient(RecipientIndex{1}))
                 .create(rows::batch())
                 .create(rows::retract_job())
                 .create(rows::element(7))
                 .create(rows::channel())
                 .create(rows::inbox())
                 .create(rows::awaited())
                 .create(rows::receive_job())
                 .note(rows::kJob, rows::note().time_ms, rows::note().text));
  this->reopen();
  const ports::Store& now = *this->store;
  EXPECT_EQ(*now.send_job(rows::kJob), rows::send_job());
  EXPECT_EQ(*now.recipients(rows::kJob),
            (std::vector{rows::recipient(RecipientIndex{0}), rows::recipient(RecipientIndex{1})}));
  EXPECT_EQ(*now.batch(rows::kJob, rows::kBatch), rows::batch());
  EXPECT_EQ(*now.retract_job(rows::kJob), rows::retract_job());
  EXPECT_EQ(*now.retract_job_rows(), std::vector{rows::retract_job()});
  EXPECT_EQ(*now.element(rows::kJob, rows::kBatch, rows::kGeneration, ElementIndex{7}),
            rows::element(7).bytes);
  EXPECT_EQ(*now.channel(rows::kChannel), rows::channel());
  EXPECT_EQ(*now.inbox(rows::kChannel), std::vector{rows::inbox()});
  EXPECT_EQ(*now.awaited(rows::kChannel), std::vector{rows::awaited()});
  EXPECT_EQ(*now.receive_job(rows::kJob), rows::receive_job());
  EXPECT_EQ(*now.journal(rows::kJob), std::vector{rows::note()});
}

TYPED_TEST_P(StoreConformance, MissingRows_AreNotFoundOrEmpty) {
  const ports::Store& now = *this->store;
  EXPECT_EQ(code_of(now.send_job(rows::kJob)), Errc::kNotFound);
  EXPECT_EQ(code_of(now.receive_job(rows::kJob)), Errc::kNotFound);
  EXPECT_EQ(code_of(now.batch(rows::kJob, rows::kBatch)), Errc::kNotFound);
  EXPECT_EQ(code_of(now.channel(rows::kChannel)), Errc::kNotFound);
  EXPECT_EQ(code_of(now.element(rows::kJob, rows::kBatch, rows::kGeneration, ElementIndex{0})),
            Errc::kNotFound);
  EXPECT_FALSE(now.retract_job(rows::kJob)->has_value());
  EXPECT_TRUE(now.send_jobs()->empty());
  EXPECT_TRUE(now.receive_jobs()->empty());
  EXPECT_TRUE(now.recipients(rows::kJob)->empty());
  EXPECT_TRUE(now.batches(rows::kJob)->empty());
  EXPECT_TRUE(now.channels()->empty());
  EXPECT_TRUE(now.inbox(rows::kChannel)->empty());
  EXPECT_FALSE(now.inbox_transfer(rows::kChannel, rows::kTransfer)->has_value());
  EXPECT_TRUE(now.awaited(rows::kChannel)->empty());
  EXPECT_TRUE(now.journal(rows::kJob)->empty());
  EXPECT_TRUE(now.unacknowledged(rows::kJob, rows::kBatch, rows::kGeneration)->empty());
}

TYPED_TEST_P(StoreConformance, EmptyTransaction_Succeeds) { this->must(Transaction()); }

TYPED_TEST_P(StoreConformance, CreateOfExisting_IsAConflict) {
  this->must(Transaction()
                 .create(rows::send_job())
                 .create(rows::recipient())
                 .create(rows::batch())
                 .create(rows::retract_job())
                 .create(rows::element(1))
                 .create(rows::channel())
                 .create(rows::inbox())
                 .create(rows::receive_job()));
  SendJobRow other = rows::send_job();
  other.name = "other";
  EXPECT_EQ(code_of(this->commit(Transaction().create(other))), Errc::kStateConflict);
  EXPECT_EQ(*this->store->send_job(rows::kJob), rows::send_job());
  EXPECT_EQ(code_of(this->commit(Transaction().create(rows::recipient()))), Errc::kStateConflict);
  EXPECT_EQ(code_of(this->commit(Transaction().create(rows::batch()))), Errc::kStateConflict);
  EXPECT_EQ(code_of(this->commit(Transaction().create(rows::retract_job()))), Errc::kStateConflict);
  EXPECT_EQ(code_of(this->commit(Transaction().create(rows::element(1)))), Errc::kStateConflict);
  EXPECT_EQ(code_of(this->commit(Transaction().create(rows::channel()))), Errc::kStateConflict);
  EXPECT_EQ(code_of(this->commit(Transaction().create(rows::inbox()))), Errc::kStateConflict);
  EXPECT_EQ(code_of(this->commit(Transaction().create(rows::receive_job()))), Errc::kStateConflict);
}

TYPED_TEST_P(StoreConformance, Update_WritesTheRowUnderTheNextRevision) {
  this->must(Transaction()
                 .create(rows::send_job())
                 .create(rows::recipient())
                 .create(rows::batch())
                 .create(rows::retract_job())
                 .create(rows::channel())
                 .create(rows::receive_job()));
  SendJobRow job = rows::send_job();
  job.next_batch = 9;
  RecipientRow recipient = rows::recipient();
  recipient.received = 9;
  BatchRow batch = rows::batch();
  batch.built = 99;
  ChannelRow channel = rows::channel();
  channel.counter = 999;
  ReceiveJobRow receive = rows::receive_job();
  receive.prefix = 9999;
  RetractJobRow retract = rows::retract_job();
  retract.next_box = 99999;
  this->must(Transaction()
                 .update(job)
                 .update(recipient)
                 .update(batch)
                 .update(channel)
                 .update(receive)
                 .update(retract));
  job.revision = recipient.revision = batch.revision = channel.revision = receive.revision =
      retract.revision = 1;
  EXPECT_EQ(this->store->recipients(recipient.job)->front(), recipient);
  EXPECT_EQ(*this->store->retract_job(retract.job), retract);
  EXPECT_EQ(*this->store->send_job(job.id), job);
  EXPECT_EQ(*this->store->batch(batch.job, batch.index), batch);
  EXPECT_EQ(*this->store->channel(channel.id), channel);
  EXPECT_EQ(*this->store->receive_job(receive.id), receive);
  this->must(Transaction().update(job));
  EXPECT_EQ(this->store->send_job(job.id)->revision, 2U);
}

TYPED_TEST_P(StoreConformance, UpdateOfAnotherRevision_ChangesNothing) {
  this->must(Transaction().create(rows::send_job()).create(rows::channel()));
  this->must(Transaction().update(rows::send_job()).update(rows::channel()));
  const SendJobRow stored = *this->store->send_job(rows::kJob);
  SendJobRow stale = rows::send_job();
  stale.name = "stale";
  EXPECT_EQ(code_of(this->commit(Transaction().update(stale))), Errc::kStateConflict);
  stale.revision = 2;
  EXPECT_EQ(code_of(this->commit(Transaction().update(stale))), Errc::kStateConflict);
  EXPECT_EQ(*this->store->send_job(rows::kJob), stored);
  EXPECT_EQ(code_of(this->commit(Transaction().update(rows::channel()))), Errc::kStateConflict);
}

TYPED_TEST_P(StoreConformance, UpdateThatChangesTheState_IsAConflict) {
  this->must(Transaction().create(rows::send_job()));
  SendJobRow row = rows::send_job();
  row.state = SendState::kPosted;
  EXPECT_EQ(code_of(this->commit(Transaction().update(row))), Errc::kStateConflict);
  EXPECT_EQ(*this->store->send_job(rows::kJob), rows::send_job());
}

TYPED_TEST_P(StoreConformance, UpdateOfMissing_IsAConflict) {
  EXPECT_EQ(code_of(this->commit(Transaction().update(rows::send_job()))), Errc::kStateConflict);
  EXPECT_EQ(code_of(this->commit(Transaction().update(rows::channel()))), Errc::kStateConflict);
  EXPECT_TRUE(this->store->send_jobs()->empty());
}

TYPED_TEST_P(StoreConformance, Move_FollowsTheTable) {
  this->must(Transaction()
                 .create(rows::send_job())
                 .create(rows::recipient())
                 .create(rows::batch())
                 .create(rows::retract_job())
                 .create(rows::receive_job()));
  SendJobRow job = rows::send_job();
  job.sent = 5;
  this->must(Transaction()
                 .move(job, SendEvent::kDecided)
                 .move(rows::recipient(), RecipientEvent::kReadBack)
                 .move(rows::batch(), BatchEvent::kCopied)
                 .move(rows::retract_job(), RetractEvent::kAllWritten)
                 .move(rows::receive_job(), ReceiveEvent::kFetched));
  EXPECT_EQ((*this->store->retract_job(rows::kJob))->state, RetractState::kRetracted);
  job.state = SendState::kCommitting;
  job.revision = 1;
  EXPECT_EQ(*this->store->send_job(rows::kJob), job);
  EXPECT_EQ(this->store->recipients(rows::kJob)->at(0).state, RecipientState::kPosted);
  EXPECT_EQ(this->store->batch(rows::kJob, rows::kBatch)->state, BatchState::kVerifying);
  EXPECT_EQ(this->store->receive_job(rows::kJob)->state, ReceiveState::kChecking);
}

TYPED_TEST_P(StoreConformance, MoveThatIsNotInTheTable_ChangesNothing) {
  this->must(Transaction().create(rows::send_job()));
  EXPECT_EQ(code_of(this->commit(Transaction().move(rows::send_job(), SendEvent::kAllPosted))),
            Errc::kStateConflict);
  EXPECT_EQ(*this->store->send_job(rows::kJob), rows::send_job());
}

TYPED_TEST_P(StoreConformance, MoveFromAnotherState_ChangesNothing) {
  SendJobRow queued = rows::send_job();
  queued.state = SendState::kQueued;
  this->must(Transaction().create(queued));
  // In the table, at the right revision, but the row is not in that state.
  EXPECT_EQ(code_of(this->commit(Transaction().move(rows::send_job(), SendEvent::kDecided))),
            Errc::kStateConflict);
  EXPECT_EQ(*this->store->send_job(rows::kJob), queued);
}

TYPED_TEST_P(StoreConformance, MoveOfAnotherRevision_ChangesNothing) {
  this->must(Transaction().create(rows::send_job()));
  SendJobRow stale = rows::send_job();
  stale.revision = 1;
  EXPECT_EQ(code_of(this->commit(Transaction().move(stale, SendEvent::kDecided))),
            Errc::kStateConflict);
  EXPECT_EQ(*this->store->send_job(rows::kJob), rows::send_job());
}

TYPED_TEST_P(StoreConformance, OneConflict_UndoesTheWholeTransaction) {
  this->must(Transaction().create(rows::send_job()).create(rows::element(1)));
  const Status outcome =
      this->commit(Transaction()
                       .create(rows::channel())
                       .create(rows::batch())
                       .move(rows::send_job(), SendEvent::kDecided)
                       .note(rows::kJob, 1, "decided")
                       .acknowledge(rows::kJob, rows::kBatch, rows::kGeneration, ElementIndex{1})
                       .drop_elements(rows::kJob, rows::kBatch)
                       .bind(rows::kNetwork)
                       .update(rows::receive_job()));
  EXPECT_EQ(code_of(outcome), Errc::kStateConflict);
  EXPECT_TRUE(this->store->channels()->empty());
  EXPECT_TRUE(this->store->batches(rows::kJob)->empty());
  EXPECT_EQ(*this->store->send_job(rows::kJob), rows::send_job());
  EXPECT_TRUE(this->store->journal(rows::kJob)->empty());
  EXPECT_EQ(this->store->unacknowledged(rows::kJob, rows::kBatch, rows::kGeneration)->size(), 1U);
  EXPECT_FALSE(this->store->identity()->bound);
}

TYPED_TEST_P(StoreConformance, StepsOfOneTransaction_SeeEachOther) {
  BatchRow row = rows::batch();
  row.state = BatchState::kPlanned;
  BatchRow opened = row;
  opened.state = BatchState::kBuilding;
  opened.revision = 1;
  this->must(Transaction()
                 .create(row)
                 .move(row, BatchEvent::kOpen)
                 .create(rows::element(0))
                 .acknowledge(rows::kJob, rows::kBatch, rows::kGeneration, ElementIndex{0}));
  EXPECT_EQ(*this->store->batch(rows::kJob, rows::kBatch), opened);
  this->must(Transaction()
                 .create(rows::element(1))
                 .drop_elements(rows::kJob, rows::kBatch)
                 .create(rows::element(1)));
  EXPECT_EQ(*this->store->unacknowledged(rows::kJob, rows::kBatch, rows::kGeneration),
            std::vector{ElementIndex{1}});
}

TYPED_TEST_P(StoreConformance, Jobs_AreListedOldestFirstAndByKind) {
  SendJobRow young = rows::send_job(rows::run_of<16>(1));
  young.created = 300;
  SendJobRow old = rows::send_job(rows::run_of<16>(2));
  old.created = 2;
  SendJobRow twin = rows::send_job(rows::run_of<16>(3));
  twin.created = 2;
  ReceiveJobRow incoming = rows::receive_job(rows::run_of<16>(4));
  this->must(Transaction().create(young).create(twin).create(old).create(incoming));
  EXPECT_EQ(*this->store->send_jobs(), (std::vector{old.id, twin.id, young.id}));
  EXPECT_EQ(*this->store->send_job_rows(), (std::vector{old, twin, young}));
  EXPECT_EQ(*this->store->receive_jobs(), std::vector{incoming.id});
  EXPECT_EQ(code_of(this->store->send_job(incoming.id)), Errc::kNotFound);
  EXPECT_EQ(code_of(this->store->receive_job(old.id)), Errc::kNotFound);
}

TYPED_TEST_P(StoreConformance, RecipientsAndBatches_AreInOrderAndOfOneJob) {
  Transaction transaction;
  for (const std::uint32_t index : {300U, 2U, 0U, 256U})
    transaction.create(rows::recipient(RecipientIndex{index}))
        .create(rows::batch(BatchIndex{index}));
  transaction.create(rows::batch(BatchIndex{kFirstCommitBatch}));
  RecipientRow other = rows::recipient(RecipientIndex{1});
  other.job = rows::kOtherJob;
  transaction.create(other);
  this->must(std::move(transaction));
  std::vector<std::uint32_t> recipients, batches;
  const auto recipient_rows = *this->store->recipients(rows::kJob);
  const auto batch_rows = *this->store->batches(rows::kJob);
  for (const RecipientRow& row : recipient_rows) recipients.push_back(row.index.value());
  for (const BatchRow& row : batch_rows) batches.push_back(row.index.value());
  EXPECT_EQ(recipients, (std::vector<std::uint32_t>{0, 2, 256, 300}));
  EXPECT_EQ(batches, (std::vector<std::uint32_t>{0, 2, 256, 300, kFirstCommitBatch}));
}

TYPED_TEST_P(StoreConformance, DoneBatch_IsMovedAndDroppedInOneCommit) {
  BatchRow row = rows::batch();
  row.state = BatchState::kVerifying;
  this->must(Transaction().create(row).create(rows::element(0)).create(rows::batch(BatchIndex{4})));
  this->must(Transaction()
                 .move(row, BatchEvent::kReadBack)
                 .drop_elements(rows::kJob, rows::kBatch)
                 .drop_batch(rows::kJob, rows::kBatch));
  this->reopen();
  EXPECT_EQ(this->store->batches(rows::kJob)->size(), 1U);
  EXPECT_EQ(code_of(this->store->batch(rows::kJob, rows::kBatch)), Errc::kNotFound);
  EXPECT_TRUE(this->store->unacknowledged(rows::kJob, rows::kBatch, rows::kGeneration)->empty());
}

TYPED_TEST_P(StoreConformance, Acknowledge_TakesTheElementOffTheList) {
  this->must(Transaction()
                 .create(rows::element(300))
                 .create(rows::element(2))
                 .create(rows::element(0))
                 .create(rows::element(0, Generation{1})));
  using Indices = std::vector<ElementIndex>;
  const auto unacknowledged = [&] {
    return *this->store->unacknowledged(rows::kJob, rows::kBatch, rows::kGeneration);
  };
  EXPECT_EQ(unacknowledged(), (Indices{ElementIndex{0}, ElementIndex{2}, ElementIndex{300}}));
  const auto ack = [](std::uint32_t index) {
    return Transaction().acknowledge(rows::kJob, rows::kBatch, rows::kGeneration,
                                     ElementIndex{index});
  };
  this->must(ack(2));
  this->must(ack(2));  // the same answer may be recorded twice
  this->reopen();
  EXPECT_EQ(unacknowledged(), (Indices{ElementIndex{0}, ElementIndex{300}}));
  EXPECT_EQ(code_of(this->commit(ack(1))), Errc::kStateConflict) << "never stored";
  EXPECT_EQ(*this->store->element(rows::kJob, rows::kBatch, rows::kGeneration, ElementIndex{2}),
            rows::element(2).bytes);
}

TYPED_TEST_P(StoreConformance, DropElements_TakesEveryGenerationOfOneBatch) {
  ElementRow neighbour = rows::element(0);
  neighbour.batch = BatchIndex{rows::kBatch.value() + 1};
  this->must(Transaction()
                 .create(rows::element(0, Generation{1}))
                 .create(rows::element(0))
                 .create(rows::element(1))
                 .create(neighbour)
                 .acknowledge(rows::kJob, rows::kBatch, rows::kGeneration, ElementIndex{0}));
  this->must(Transaction().drop_elements(rows::kJob, rows::kBatch));
  for (const Generation generation : {Generation{1}, rows::kGeneration})
    EXPECT_TRUE(this->store->unacknowledged(rows::kJob, rows::kBatch, generation)->empty());
  EXPECT_EQ(
      code_of(this->store->element(rows::kJob, rows::kBatch, rows::kGeneration, ElementIndex{0})),
      Errc::kNotFound);
  EXPECT_EQ(this->store->unacknowledged(rows::kJob, neighbour.batch, rows::kGeneration)->size(),
            1U);
  // A mark that stayed behind would hide an element that is stored under its number again.
  this->must(Transaction().create(rows::element(0)));
  EXPECT_EQ(this->store->unacknowledged(rows::kJob, rows::kBatch, rows::kGeneration)->size(), 1U);
}

TYPED_TEST_P(StoreConformance, ChannelNames_AreUnique) {
  const ChannelRow first = rows::channel();
  const ChannelId other_id = rows::run_of<16>(0xd0);
  this->must(Transaction().create(first));
  EXPECT_EQ(code_of(this->commit(Transaction().create(rows::channel(other_id)))),
            Errc::kStateConflict);
  this->must(Transaction().create(rows::channel(other_id, "carla")));
  EXPECT_EQ(code_of(this->commit(Transaction().update(rows::channel(other_id, "bert")))),
            Errc::kStateConflict);
  EXPECT_EQ(*this->store->channel(other_id), rows::channel(other_id, "carla"));
  this->must(Transaction().update(rows::channel(other_id, "dora")));
  EXPECT_EQ(this->store->channels()->size(), 2U);
}

TYPED_TEST_P(StoreConformance, Inbox_IsOrderedByCounterAndFindsALetterByTransfer) {
  InboxRow letter = rows::inbox(300);
  InboxRow duplicate = rows::inbox(2, InboxKind::kDuplicate);
  InboxRow invalid = rows::inbox(0x0102030405060708, InboxKind::kInvalid);
  this->must(Transaction().create(invalid).create(letter).create(duplicate));
  EXPECT_EQ(*this->store->inbox(rows::kChannel), (std::vector{duplicate, letter, invalid}));
  EXPECT_EQ(this->store->inbox_transfer(rows::kChannel, rows::kTransfer)->value(), letter);
  EXPECT_FALSE(this->store->inbox_transfer(rows::kChannel, rows::run_of<16>(1))->has_value());
  EXPECT_FALSE(this->store->inbox_transfer(rows::run_of<16>(1), rows::kTransfer)->has_value());
}

TYPED_TEST_P(StoreConformance, SecondLetterOfATransfer_IsAConflict) {
  this->must(Transaction().create(rows::inbox(1)));
  EXPECT_EQ(code_of(this->commit(Transaction().create(rows::inbox(2)))), Errc::kStateConflict);
  EXPECT_EQ(this->store->inbox(rows::kChannel)->size(), 1U);
  InboxRow elsewhere = rows::inbox(2);
  elsewhere.channel = rows::run_of<16>(1);
  this->must(Transaction().create(elsewhere));
}

TYPED_TEST_P(StoreConformance, HeldTransfer_BecomesALetterAndNothingElse) {
  const InboxRow held = rows::inbox(1, InboxKind::kHeld);
  this->must(Transaction().create(held));
  EXPECT_EQ(*this->store->inbox_at(rows::kChannel, 1), held);
  EXPECT_FALSE(this->store->inbox_at(rows::kChannel, 2)->has_value());
  EXPECT_EQ(*this->store->inbox_transfer(rows::kChannel, rows::kTransfer), held);
  EXPECT_EQ(code_of(this->commit(Transaction().create(rows::inbox(2)))), Errc::kStateConflict);
  const InboxRow letter = rows::inbox(1);
  const auto change = [&](InboxRow row, InboxKind from) {
    return code_of(this->commit(Transaction().update(std::move(row), from)));
  };
  EXPECT_EQ(change(letter, InboxKind::kRefused), Errc::kStateConflict) << "it is not refused";
  EXPECT_EQ(change(rows::inbox(1, InboxKind::kLost), InboxKind::kHeld), Errc::kStateConflict);
  InboxRow other = letter;
  other.transfer = rows::run_of<16>(1);
  EXPECT_EQ(change(other, InboxKind::kHeld), Errc::kStateConflict);
  EXPECT_EQ(change(rows::inbox(2), InboxKind::kHeld), Errc::kStateConflict) << "nothing is there";
  this->must(Transaction().update(letter, InboxKind::kHeld));
  this->reopen();
  EXPECT_EQ(*this->store->inbox(rows::kChannel), std::vector{letter});
}

TYPED_TEST_P(StoreConformance, LetterThatStepsAside_LeavesItsTransferToAnother) {
  this->must(Transaction().create(rows::inbox(1)).create(rows::inbox(2, InboxKind::kDuplicate)));
  InboxRow other = rows::inbox(1, InboxKind::kDuplicate);
  other.transfer = rows::run_of<16>(1);
  EXPECT_EQ(code_of(this->commit(Transaction().update(other, InboxKind::kLetter))),
            Errc::kStateConflict);
  const InboxRow aside = rows::inbox(1, InboxKind::kDuplicate);
  const InboxRow letter = rows::inbox(2, InboxKind::kDeferred);
  EXPECT_EQ(
      code_of(this->commit(
          Transaction().update(letter, InboxKind::kDuplicate).update(aside, InboxKind::kLetter))),
      Errc::kStateConflict)
      << "one stands for it at any time";
  this->must(Transaction().update(aside, InboxKind::kLetter).update(letter, InboxKind::kDuplicate));
  this->reopen();
  EXPECT_EQ(this->store->inbox_transfer(rows::kChannel, rows::kTransfer)->value(), letter);
  EXPECT_EQ(*this->store->inbox(rows::kChannel), (std::vector{aside, letter}));
  this->must(Transaction().update(rows::inbox(2), InboxKind::kDeferred));
}

TYPED_TEST_P(StoreConformance, LostPosition_MayTurnOutToHoldALetter) {
  this->must(Transaction().create(rows::inbox(1, InboxKind::kLost)).create(rows::inbox(2)));
  EXPECT_EQ(code_of(this->commit(Transaction().update(rows::inbox(1), InboxKind::kLost))),
            Errc::kStateConflict)
      << "another position has that transfer";
  InboxRow letter = rows::inbox(1);
  letter.transfer = rows::run_of<16>(1);
  this->must(Transaction().update(letter, InboxKind::kLost));
  EXPECT_EQ(this->store->inbox_transfer(rows::kChannel, letter.transfer)->value(), letter);
}

TYPED_TEST_P(StoreConformance, Awaited_IsOrderedByCounterAndDroppedOnce) {
  this->must(Transaction().create(rows::awaited(300)).create(rows::awaited(2)));
  EXPECT_EQ(*this->store->awaited(rows::kChannel),
            (std::vector{rows::awaited(2), rows::awaited(300)}));
  EXPECT_TRUE(this->store->awaited(rows::run_of<16>(1))->empty());
  EXPECT_TRUE(this->store->inbox(rows::kChannel)->empty());
  EXPECT_EQ(code_of(this->commit(Transaction().create(rows::awaited(2)))), Errc::kStateConflict);
  // What was found there becomes a row of the inbox in the same step.
  this->must(Transaction().drop_awaited(rows::kChannel, 2).create(rows::inbox(2)));
  EXPECT_EQ(*this->store->awaited(rows::kChannel), std::vector{rows::awaited(300)});
  EXPECT_EQ(
      code_of(this->commit(
          Transaction().create(rows::inbox(3, InboxKind::kLost)).drop_awaited(rows::kChannel, 2))),
      Errc::kStateConflict);
  EXPECT_EQ(this->store->inbox(rows::kChannel)->size(), 1U);
}

TYPED_TEST_P(StoreConformance, Journal_KeepsTimeAndOrderOfNotes) {
  this->must(Transaction().note(rows::kJob, 300, "c").note(rows::kJob, 2, "a"));
  this->must(Transaction().note(rows::kJob, 300, "d"));
  this->must(Transaction().note(rows::kJob, 2, "b").note(rows::kOtherJob, 2, "other"));
  std::string order;
  const auto notes = *this->store->journal(rows::kJob);
  for (const JournalRow& note : notes) order += note.text;
  EXPECT_EQ(order, "abcd");
}

TYPED_TEST_P(StoreConformance, ForgottenSendJob_LeavesNothingOfItself) {
  SendJobRow ended = rows::send_job();
  ended.state = SendState::kPosted;
  RecipientRow neighbour = rows::recipient();
  neighbour.job = rows::kOtherJob;
  this->must(Transaction()
                 .create(ended)
                 .create(rows::recipient())
                 .create(rows::send_job(rows::kOtherJob))
                 .create(neighbour)
                 .note(rows::kJob, 1, "a")
                 .note(rows::kOtherJob, 1, "b"));
  EXPECT_EQ(code_of(this->commit(Transaction().forget(rows::send_job(rows::kOtherJob)))),
            Errc::kStateConflict)
      << "it is not at its end";
  SendJobRow stale = ended;
  stale.revision = 1;
  EXPECT_EQ(code_of(this->commit(Transaction().forget(stale))), Errc::kStateConflict);
  EXPECT_EQ(this->store->recipients(rows::kJob)->size(), 1U);
  this->must(Transaction().forget(ended));
  EXPECT_EQ(code_of(this->commit(Transaction().forget(ended))), Errc::kStateConflict);
  this->reopen();
  EXPECT_EQ(*this->store->send_jobs(), std::vector{rows::kOtherJob});
  EXPECT_TRUE(this->store->recipients(rows::kJob)->empty());
  EXPECT_TRUE(this->store->journal(rows::kJob)->empty());
  EXPECT_EQ(this->store->recipients(rows::kOtherJob)->size(), 1U);
  EXPECT_EQ(this->store->journal(rows::kOtherJob)->size(), 1U);
}

TYPED_TEST_P(StoreConformance, ForgottenReceiveJob_LeavesItsPlaceInTheInbox) {
  ReceiveJobRow ended = rows::receive_job();
  ended.state = ReceiveState::kPlaced;
  ended.counter = rows::inbox().counter;
  this->must(Transaction().create(ended).create(rows::inbox()).note(rows::kJob, 1, "found"));
  EXPECT_EQ(code_of(this->commit(Transaction().forget_inbox(rows::kChannel, ended.counter))),
            Errc::kStateConflict)
      << "its job is known";
  this->must(Transaction().forget(ended));
  EXPECT_TRUE(this->store->receive_jobs()->empty());
  EXPECT_TRUE(this->store->journal(rows::kJob)->empty());
  InboxRow left = rows::inbox();
  left.job = {};
  left.content.clear();
  EXPECT_EQ(*this->store->inbox(rows::kChannel), std::vector{left});
  EXPECT_EQ(code_of(this->commit(Transaction().create(rows::inbox(2)))), Errc::kStateConflict)
      << "a second copy of the letter";
  this->must(Transaction().forget_inbox(rows::kChannel, ended.counter));
  EXPECT_TRUE(this->store->inbox(rows::kChannel)->empty());
  this->must(Transaction().create(rows::inbox(2)));
}

TYPED_TEST_P(StoreConformance, Bind_HoldsForOneNetwork) {
  EXPECT_FALSE(this->store->identity()->bound);
  this->must(Transaction().bind(rows::kNetwork));
  this->must(Transaction().bind(rows::kNetwork));
  NetworkId other = rows::kNetwork;
  other[0] ^= 1;
  EXPECT_EQ(code_of(this->commit(Transaction().bind(other))), Errc::kStateConflict);
  this->reopen();
  EXPECT_TRUE(this->store->identity()->bound);
  EXPECT_EQ(this->store->identity()->network, rows::kNetwork);
}

TYPED_TEST_P(StoreConformance, UploadRate_IsReplacedAndKeptApartFromTheNetwork) {
  EXPECT_EQ(this->store->identity()->upload_rate, 0U);
  this->must(Transaction().upload_rate(800));
  this->must(Transaction().bind(rows::kNetwork));
  this->must(Transaction().upload_rate(750));
  this->reopen();
  EXPECT_EQ(this->store->identity()->upload_rate, 750U);
  EXPECT_EQ(this->store->identity()->network, rows::kNetwork);
}

REGISTER_TYPED_TEST_SUITE_P(
    StoreConformance, EveryRow_ComesBackWholeAfterReopen, MissingRows_AreNotFoundOrEmpty,
    EmptyTransaction_Succeeds, CreateOfExisting_IsAConflict,
    Update_WritesTheRowUnderTheNextRevision, UpdateOfAnotherRevision_ChangesNothing,
    UpdateThatChangesTheState_IsAConflict, UpdateOfMissing_IsAConflict, Move_FollowsTheTable,
    MoveThatIsNotInTheTable_ChangesNothing, MoveFromAnotherState_ChangesNothing,
    MoveOfAnotherRevision_ChangesNothing, OneConflict_UndoesTheWholeTransaction,
    StepsOfOneTransaction_SeeEachOther, Jobs_AreListedOldestFirstAndByKind,
    RecipientsAndBatches_AreInOrderAndOfOneJob, DoneBatch_IsMovedAndDroppedInOneCommit,
    Acknowledge_TakesTheElementOffTheList, DropElements_TakesEveryGenerationOfOneBatch,
    ChannelNames_AreUnique, Inbox_IsOrderedByCounterAndFindsALetterByTransfer,
    HeldTransfer_BecomesALetterAndNothingElse, LetterThatStepsAside_LeavesItsTransferToAnother,
    LostPosition_MayTurnOutToHoldALetter, Awaited_IsOrderedByCounterAndDroppedOnce,
    SecondLetterOfATransfer_IsAConflict, ForgottenSendJob_LeavesNothingOfItself,
    ForgottenReceiveJob_LeavesItsPlaceInTheInbox, Journal_KeepsTimeAndOrderOfNotes,
    Bind_HoldsForOneNetwork, UploadRate_IsReplacedAndKeptApartFromTheNetwork);

}  // namespace taubenpost
