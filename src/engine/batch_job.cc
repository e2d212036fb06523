#include "engine/batch_job.h"

#include <algorithm>

#include "base/failpoint.h"
#include "engine/backoff.h"
#include "engine/copy_element.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::CopyResult;
using ports::Outcome;
using ports::Transaction;
using ports::WriteLevel;

namespace {

// Before a batch is built again; doubled each time, up to the longest.
constexpr std::uint64_t kFirstRespinMs = 1'000;
constexpr std::uint64_t kLongestRespinMs = kFirstRespinMs << 10;
// When the replicas are full: at least half of it, and at most.
constexpr std::uint64_t kStorageFullMs = 60'000;
// A courier that has not answered for so long has lost the copy, or is gone.
constexpr std::uint64_t kCourierSilenceMs = 40ULL * 60 * 1000;
// After a restart it gets at least so long, however long the program was off.
constexpr std::uint64_t kCourierGraceMs = 5ULL * 60 * 1000;

WriteLevel level(bool confirmed) {
  return confirmed ? WriteLevel::kConfirmed : WriteLevel::kAcknowledged;
}

Error foreign_bacap(std::string_view which) {
  return error(Errc::kRejected, "the daemon's BACAP differs from ours: " + std::string(which),
               "use a daemon of the current Katzenpost release; nothing of this batch was sent");
}

}  // namespace

// The whole flow. One case per state; each step leaves the batch in a later state.
asio::awaitable<Status> BatchJob::run() {
  for (;;) {
    Result<BatchRow> row = ports_.store.batch(job_, index_);
    if (!row && row.error().code == Errc::kNotFound) co_return ok();  // done, its row is gone
    if (!row) co_return row.error();
    TP_CO_TRY(content_.may_start_work());

    Status step = ok();
    if (content_.expired()) {
      step = co_await close(row.value());
      if (!step) co_return step.error();
      continue;
    }
    switch (row->state) {
      case BatchState::kPlanned:
        step = co_await open(row.value());
        break;
      case BatchState::kBuilding:
        step = co_await upload(row.value());
        break;
      case BatchState::kCopying:
        step = co_await copy(row.value());
        break;
      case BatchState::kVerifying:
        step = co_await verify(row.value());
        break;
      case BatchState::kDone:
        co_return ok();
    }
    if (!step) co_return step.error();
  }
}

// Opens a new generation: seed and courier are durable before anything is built.
asio::awaitable<Status> BatchJob::open(BatchRow row) {
  const std::uint64_t now_ms = ports_.clock.unix_ms();
  if (row.not_before_ms > now_ms) {
    // A clock that was set back does not make it longer.
    const std::uint64_t pause_ms = std::min(row.not_before_ms - now_ms, kLongestRespinMs);
    co_await share_.rest(ports_.clock, std::chrono::milliseconds(pause_ms));
  }
  Result<CourierRow> courier = co_await choose_courier(row.failed_couriers);
  if (!courier) co_return courier.error();
  row.generation = Generation{row.generation.value() + 1};
  ports_.random.fill(row.temporary_seed);
  row.courier = courier.value();
  row.failed_couriers.clear();
  row.built = 0;
  row.elements = 0;
  row.buffer.clear();
  row.next_index = row.body_index;
  row.epoch = 0;
  row.copy_issued_ms = 0;
  row.confirmed_writes = false;
  Transaction step;
  step.move(std::move(row), BatchEvent::kOpen);
  Status opened = co_await ports_.store.commit(std::move(step));
  TP_FAILPOINT("send.batch.opened");
  co_return opened;
}

// Builds what is not built and writes what is not acknowledged, side by side.
asio::awaitable<Status> BatchJob::upload(BatchRow row) {
  Permit permit = co_await Permit::acquire(share_.uploads());
  Status prepared = co_await prepare_generation(row);
  if (!prepared) co_return prepared.error();
  Result<std::vector<ElementIndex>> waiting =
      ports_.store.unacknowledged(job_, index_, row.generation);
  if (!waiting) co_return waiting.error();

  Status built = ok();
  {
    TaskGroup writers(shared_.executor);
    for (const ElementIndex element : waiting.value())
      writers.spawn(write_element(element, row.confirmed_writes));
    built = co_await build_slices(row, writers);
    co_await writers.join();
  }
  if (!built) co_return built.error();
  if (write_error_) co_return *write_error_;
  if (spoiled_) co_return co_await respin(std::move(row), "the temporary sequence is spoiled");
  Transaction step;
  step.move(std::move(row), BatchEvent::kUploaded);
  co_return co_await ports_.store.commit(std::move(step));
}

asio::awaitable<Status> BatchJob::build_slices(BatchRow& row, TaskGroup& writers) {
  while (row.built < row.count && !spoiled_ && !write_error_) {
    TP_CO_TRY(content_.may_start_work());
    const std::uint32_t count = std::min(content_.slice_items(), row.count - row.built);
    Result<ports::BuiltElements> built = co_await build_slice(row, count);
    if (!built) co_return built.error();
    const std::uint32_t first_new = row.elements;
    Status stored = co_await store_slice(row, count, std::move(built).value());
    if (!stored) co_return stored.error();
    for (std::uint32_t i = first_new; i < row.elements; ++i)
      writers.spawn(write_element(ElementIndex{i}, row.confirmed_writes));
    // Disk and daemon stay a window ahead of the network, not a file ahead.
    while (writers.running() > options_.write_window * 2) co_await writers.wait_for_one();
  }
  co_return ok();
}

// One builder call; repeated until the daemon gives a whole answer. Nothing of a lost answer was
// ever written, so that building again is safe.
asio::awaitable<Result<ports::BuiltElements>> BatchJob::build_slice(const BatchRow& row,
                                                                    std::uint32_t count) {
  Result<Slice> slice = content_.slice(row, count);
  if (!slice) co_return slice.error();
  const bool is_last = row.built + count == row.count;
  Backoff backoff(ports_);
  for (;;) {
    Result<ports::BuiltElements> built = co_await call_builder(row, slice.value(), is_last);
    TP_FAILPOINT("send.slice.built");
    if (built) {
      if (built->next != slice->expected_next) co_return foreign_bacap("next destination index");
      if (built->elements.empty() && is_last)
        co_return error(Errc::kRejected, "the daemon closed a copy stream without an element");
      co_return built;
    }
    Status again = co_await wait_to_retry(ports_, built.error(), backoff);
    if (!again) co_return again.error();
  }
}

asio::awaitable<Result<ports::BuiltElements>> BatchJob::call_builder(const BatchRow& row,
                                                                     const Slice& slice,
                                                                     bool is_last) {
  const bool is_start = row.built == 0;
  if (slice.tombstones > 0)
    co_return co_await ports_.network.build_tombstones(SecretBytes(slice.write_caps.front().view()),
                                                       slice.starts.front(), slice.tombstones,
                                                       row.buffer, is_start, is_last);
  std::vector<ports::Destination> destinations;
  for (std::size_t i = 0; i < slice.payloads.size(); ++i)
    destinations.push_back({slice.payloads[i], slice.write_caps[i].view(), slice.starts[i]});
  co_return co_await ports_.network.build(std::move(destinations), row.buffer, is_start, is_last);
}

// Elements, buffer, indices and epoch become durable in one commit; only then may they be written.
asio::awaitable<Status> BatchJob::store_slice(BatchRow& row, std::uint32_t count,
                                              ports::BuiltElements built) {
  Transaction step;
  if (row.elements == 0 && !built.elements.empty()) {
    Result<std::uint64_t> epoch = epoch_of_first_envelope(built.elements.front());
    if (!epoch) co_return epoch.error();
    row.epoch = epoch.value();
  }
  for (Bytes& element : built.elements)
    step.create(
        ElementRow{job_, index_, row.generation, ElementIndex{row.elements++}, std::move(element)});
  row.built += count;
  row.buffer = std::move(built.buffer);
  if (!is_commit(index_)) row.next_index = built.next.front();
  Status advanced = advance_temporary_to(row.elements);
  if (!advanced) co_return advanced.error();
  step.update(row);
  Status stored = co_await ports_.store.commit(std::move(step));
  TP_FAILPOINT("send.slice.stored");
  ++row.revision;
  co_return stored;
}

// A child of the writers' group: leaves its error where upload() finds it.
asio::awaitable<void> BatchJob::write_element(ElementIndex element, bool confirmed) {
  if (spoiled_ || write_error_) co_return;
  Status written = co_await write_until_taken(element, confirmed);
  if (!written) {
    write_error_ = written.error();
    co_return;
  }
  if (spoiled_) co_return;
  Transaction step;
  step.acknowledge(job_, index_, generation_, element);
  Status stored = co_await ports_.store.commit(std::move(step));
  if (!stored) write_error_ = stored.error();
  if (is_body(index_)) shared_.upload_rate.count(ports_.clock.monotonic_ms());
  TP_FAILPOINT("send.element.acknowledged");
}

// Writes the stored bytes of one element until a courier (or a replica) has them.
asio::awaitable<Status> BatchJob::write_until_taken(ElementIndex element, bool confirmed) {
  Backoff backoff(ports_);
  while (!spoiled_ && !write_error_) {
    WritePermit acquired = co_await share_.next_write();
    std::optional<WritePermit> permits(std::move(acquired));
    if (spoiled_ || write_error_) break;
    TP_CO_TRY(content_.may_start_work());
    Result<Bytes> bytes = ports_.store.element(job_, index_, generation_, element);
    if (!bytes) co_return bytes.error();
    TP_FAILPOINT("send.element.before_write");
    const std::uint64_t asked_ms = ports_.clock.monotonic_ms();
    ports::WriteResult result = co_await ports_.network.write(
        SecretBytes(temporary_->view()), temporary_indices_[element.value()],
        std::move(bytes).value(), level(confirmed));
    TP_FAILPOINT("send.element.written");
    permits.reset();  // a job that has to wait holds up no other
    if (result.outcome == Outcome::kOk) shared_.pace.wrote(ports_.clock.monotonic_ms() - asked_ms);
    if (result.outcome == Outcome::kTaken) spoiled_ = true;
    if (result.outcome == Outcome::kOk || result.outcome == Outcome::kTaken) co_return ok();
    Status again = co_await wait_to_write_again(ports_, std::move(result), backoff);
    if (!again) co_return again.error();
  }
  // Another element failed: this one was not written, and must not be taken for acknowledged.
  if (write_error_) co_return *write_error_;
  co_return ok();
}

// Issues the copy command at the pinned courier until there is a verdict.
asio::awaitable<Status> BatchJob::copy(BatchRow row) {
  Status prepared = co_await prepare_generation(row);
  if (!prepared) co_return prepared.error();
  Result<ports::NetworkView> view = co_await ports_.network.view(kDaemonLimitMs);
  if (!view) co_return view.error();
  if (view->replica_epoch > row.epoch + 1)
    co_return co_await respin(std::move(row), "its oldest envelope has left the epoch window");
  if (row.confirmed_writes && row.copy_issued_ms == 0) {
    Status rewritten = co_await rewrite_elements(row);
    if (!rewritten) co_return rewritten.error();
    if (spoiled_) co_return co_await respin(std::move(row), "the temporary sequence is spoiled");
  }
  if (row.copy_issued_ms == 0) {
    row.copy_issued_ms = ports_.clock.unix_ms();
    Transaction intent;
    intent.update(row);
    Status stored = co_await ports_.store.commit(std::move(intent));
    if (!stored) co_return stored.error();
    ++row.revision;
  }
  TP_FAILPOINT("send.copy.before_issue");
  co_return co_await await_copy(std::move(row));
}

// Between two looks the daemon does not poll: it would, every five seconds, in slots of ours.
asio::awaitable<Status> BatchJob::await_copy(BatchRow row) {
  const std::uint64_t begin_ms = ports_.clock.monotonic_ms();
  Backoff backoff(ports_);
  for (unsigned looks = 1;; ++looks) {
    TP_CO_TRY(content_.may_start_work());
    if (content_.expired()) co_return ok();  // after a sleep, perhaps: the next step closes it
    const std::uint64_t asked_ms = ports_.clock.monotonic_ms();
    const std::uint64_t look_ms = shared_.pace.look_ms(asked_ms - begin_ms);
    const CopyResult result =
        co_await ports_.network.copy(SecretBytes(temporary_->view()), row.courier, look_ms);
    TP_FAILPOINT("send.copy.answered");
    const std::uint64_t now_ms = ports_.clock.monotonic_ms();
    if (result.kind == CopyResult::Kind::kSucceeded) {
      shared_.pace.copied(row.count, now_ms - begin_ms, looks);
      co_return co_await copied(std::move(row));
    }
    if (result.kind == CopyResult::Kind::kFailed)
      co_return co_await after_failure(std::move(row), result);
    if (result.kind == CopyResult::Kind::kRejected)
      co_return error(Errc::kRejected, "the daemon refuses the copy command");

    Result<ports::NetworkView> alive = co_await ports_.network.view(kDaemonLimitMs);
    if (!alive) co_return alive.error();
    const bool known = std::count(alive->couriers.begin(), alive->couriers.end(), row.courier) > 0;
    const bool silent = ports_.clock.unix_ms() > row.copy_issued_ms + kCourierSilenceMs &&
                        now_ms > begin_ms + kCourierGraceMs;
    if (!known || silent) co_return co_await after_silence(std::move(row));
    if (now_ms - asked_ms < look_ms / 2) {
      co_await backoff.pause();  // lost, or not even started
      continue;
    }
    const std::uint64_t pause_ms = shared_.pace.pause_ms(row.count, now_ms - begin_ms);
    co_await ports_.clock.sleep(std::chrono::milliseconds(pause_ms));
  }
}

asio::awaitable<Status> BatchJob::copied(BatchRow row) {
  Transaction step;
  step.move(std::move(row), BatchEvent::kCopied);
  co_return co_await ports_.store.commit(std::move(step));
}

// A courier that does not answer may have done its work all the same.
asio::awaitable<Status> BatchJob::after_silence(BatchRow row) {
  Result<Verdict> verdict = co_await content_.verify(row);
  if (!verdict) co_return verdict.error();
  if (verdict.value() == Verdict::kArrived) co_return co_await copied(std::move(row));
  co_return co_await to_another_courier(std::move(row), "the courier is silent");
}

// The reaction table of design 7 for a copy that ended in failure.
asio::awaitable<Status> BatchJob::after_failure(BatchRow row, CopyResult result) {
  const std::string failed = "copy failed with replica code " + std::to_string(result.replica_code);
  switch (result.replica_code) {
    case 0:
    case 1:
    case 4:
    case 7:
    case 9:  // elements missing, or the courier in trouble
      co_return co_await to_another_courier(std::move(row), failed);
    case 10:
    case 11: {  // a destination is taken, or the temporary boxes are gone: the boxes decide
      Result<Verdict> verdict = co_await content_.verify_refused(row, result.failed_envelope);
      if (!verdict) co_return verdict.error();
      if (verdict.value() == Verdict::kArrived) co_return co_await copied(std::move(row));
      co_return co_await respin(std::move(row), failed);
    }
    case 8:
      co_return co_await respin(std::move(row), failed);
    case 6: {
      const std::uint64_t pause_ms =
          kStorageFullMs / 2 + ports_.random.below(kStorageFullMs / 2 + 1);
      co_return co_await respin(std::move(row), "the network's storage is full", pause_ms);
    }
    default: {
      // The courier remembers its answer: what is tried again needs another sequence.
      Status respun = co_await respin(std::move(row), failed);
      if (!respun) co_return respun.error();
      co_return error(Errc::kRejected,
                      failed + " at envelope " + std::to_string(result.failed_envelope));
    }
  }
}

// Writes the elements again, confirmed, and goes to a courier that has not failed this sequence.
// After two of them, or where there is no other, the batch is built again.
asio::awaitable<Status> BatchJob::to_another_courier(BatchRow row, std::string why) {
  row.failed_couriers.push_back(row.courier);
  Result<CourierRow> other = error(Errc::kNotFound, "no other courier");
  if (row.failed_couriers.size() < 2) other = co_await choose_courier(row.failed_couriers);
  const bool none_left = !other || std::count(row.failed_couriers.begin(),
                                              row.failed_couriers.end(), other.value()) > 0;
  if (none_left) co_return co_await respin(std::move(row), std::move(why));
  row.courier = other.value();
  row.copy_issued_ms = 0;
  row.confirmed_writes = true;
  Transaction step;
  step.update(std::move(row));
  step.note(
      job_, ports_.clock.unix_ms(),
      "batch " + std::to_string(index_.value()) + ": " + why + ", going on at another courier");
  co_return co_await ports_.store.commit(std::move(step));
}

asio::awaitable<Status> BatchJob::rewrite_elements(const BatchRow& row) {
  TaskGroup writers(shared_.executor);
  for (std::uint32_t i = 0; i < row.elements && !spoiled_ && !write_error_; ++i) {
    writers.spawn(write_element(ElementIndex{i}, /*confirmed=*/true));
    while (writers.running() > options_.write_window * 2) co_await writers.wait_for_one();
  }
  co_await writers.join();
  if (write_error_) co_return *write_error_;
  co_return ok();
}

asio::awaitable<Status> BatchJob::verify(BatchRow row) {
  Result<Verdict> verdict = co_await content_.verify(row);
  if (!verdict) co_return verdict.error();
  if (verdict.value() == Verdict::kMissing)
    co_return co_await respin(std::move(row), "a copied box can't be read");
  TP_FAILPOINT("send.batch.read_back");
  Transaction step;
  step.move(std::move(row), BatchEvent::kReadBack);
  TP_CO_TRY(shared_.keep_rate(ports_.store, step));
  step.drop_elements(job_, index_);
  step.drop_batch(job_, index_);
  co_return co_await ports_.store.commit(std::move(step));
}

// Nothing may be written any more: what is there counts.
asio::awaitable<Status> BatchJob::close(BatchRow row) {
  Result<Verdict> verdict = co_await content_.verify(std::move(row));
  if (!verdict) co_return verdict.error();
  Transaction step;
  step.drop_elements(job_, index_);
  step.drop_batch(job_, index_);
  co_return co_await ports_.store.commit(std::move(step));
}

// Abandons the generation. The next one has a new temporary sequence; destination boxes that were
// written are written again with the same bytes. A batch that fails again and again comes back less
// and less often, whoever is restarted meanwhile.
asio::awaitable<Status> BatchJob::respin(BatchRow row, std::string why,
                                         std::uint64_t least_pause_ms) {
  const std::uint64_t usual_ms = kFirstRespinMs << std::min(row.generation.value() - 1, 10U);
  row.not_before_ms = ports_.clock.unix_ms() + std::max(usual_ms, least_pause_ms);
  Transaction step;
  step.note(job_, ports_.clock.unix_ms(),
            "batch " + std::to_string(index_.value()) + ": built again, " + why);
  step.move(std::move(row), BatchEvent::kRespin);
  step.drop_elements(job_, index_);
  Status stored = co_await ports_.store.commit(std::move(step));
  spoiled_ = false;
  co_return stored;
}

// Makes the temporary sequence of the open generation from its seed, and checks the daemon's.
asio::awaitable<Status> BatchJob::prepare_generation(const BatchRow& row) {
  if (temporary_ && generation_ == row.generation) co_return ok();
  generation_ = row.generation;
  temporary_ = bacap::WriteCap::from_seed(row.temporary_seed);
  temporary_indices_.assign(1, temporary_->index().bytes());
  Status advanced = advance_temporary_to(row.elements);
  if (!advanced) co_return advanced.error();
  Backoff backoff(ports_);
  for (;;) {
    Result<ports::KeyPair> theirs = co_await ports_.network.new_keypair(row.temporary_seed);
    if (theirs) {
      const bool same = equal(theirs->write_cap.view(), temporary_->view()) &&
                        theirs->first == temporary_indices_.front();
      if (!same) co_return foreign_bacap("keys from a seed");
      co_return ok();
    }
    Status again = co_await wait_to_retry(ports_, theirs.error(), backoff);
    if (!again) co_return again.error();
  }
}

Status BatchJob::advance_temporary_to(std::uint32_t elements) {
  while (temporary_indices_.size() < elements) {
    Result<bacap::MessageBoxIndex> last = bacap::MessageBoxIndex::parse(temporary_indices_.back());
    if (!last) return last.error();
    Result<bacap::MessageBoxIndex> next = last->next();
    if (!next) return next.error();
    temporary_indices_.push_back(next->bytes());
  }
  return ok();
}

// A random courier of the directory that is not among `except`; if all are, any.
asio::awaitable<Result<CourierRow>> BatchJob::choose_courier(std::vector<CourierRow> except) {
  Backoff backoff(ports_);
  for (;;) {
    Result<ports::NetworkView> view = co_await ports_.network.view(kDaemonLimitMs);
    if (!view) co_return view.error();
    std::vector<CourierRow> candidates;
    for (const CourierRow& courier : view->couriers)
      if (std::count(except.begin(), except.end(), courier) == 0) candidates.push_back(courier);
    if (candidates.empty()) candidates = view->couriers;
    if (!candidates.empty()) co_return candidates[ports_.random.below(candidates.size())];
    co_await backoff.pause();
  }
}

}  // namespace taubenpost
