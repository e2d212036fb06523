#include "store/committer.h"

#include <algorithm>
#include <boost/asio/dispatch.hpp>

#include "base/failpoint.h"
#include "store/transaction_writer.h"

namespace taubenpost {
namespace {

// Bounds the memory of one write batch; the rest of the queue shares the next sync.
constexpr std::size_t kGroupMax = 256;

bool creates(const auto&) { return false; }
template <class Row, class Event>
bool creates(const ports::Transaction::Put<Row, Event>& put) {
  return put.how == ports::Transaction::How::kCreate;
}

bool creates_rows(const ports::Transaction& transaction) {
  return std::any_of(transaction.steps().begin(), transaction.steps().end(), [](const auto& step) {
    return std::visit([](const auto& s) { return creates(s); }, step);
  });
}

}  // namespace

Committer::Committer(const StoreDb& db, const RowSeal& seal)
    : db_(db), seal_(seal), thread_([this] { run(); }) {}

Committer::~Committer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Committer::submit(ports::Transaction transaction, Handler handler) {
  auto work = boost::asio::make_work_guard(boost::asio::get_associated_executor(handler));
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(Request{std::move(transaction), std::move(handler), std::move(work)});
  }
  wake_.notify_one();
}

Status Committer::usable() const {
  if (!failed_) return ok();
  return error(Errc::kStoreIo, "store: an earlier write to " + db_.path() + " failed",
               "check the disk, then start again");
}

void Committer::run() {
  for (;;) {
    std::vector<Request> group = next_group();
    if (group.empty()) return;
    std::vector<Status> outcomes = commit_group(group);
    for (std::size_t i = 0; i < group.size(); ++i)
      complete(std::move(group[i]), std::move(outcomes[i]));
  }
}

std::vector<Committer::Request> Committer::next_group() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
  std::vector<Request> group;
  while (!queue_.empty() && group.size() < kGroupMax) {
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return group;  // empty only when stopping with nothing left
}

std::vector<Status> Committer::commit_group(const std::vector<Request>& group) {
  if (Status s = usable(); !s) return std::vector<Status>(group.size(), s);
  const Result<std::uint64_t> space = db_.free_space();
  if (!space) return std::vector<Status>(group.size(), space.error());

  TransactionWriter writer(db_, seal_);
  std::vector<Status> outcomes;
  for (const Request& request : group) {
    Status outcome = room_for(request.transaction, *space);
    if (outcome) outcome = writer.apply(request.transaction);
    outcomes.push_back(std::move(outcome));
  }
  if (writer.empty()) return outcomes;
  if (const Status written = write(writer.batch()); !written)
    for (Status& outcome : outcomes)
      if (outcome) outcome = written;
  return outcomes;
}

// Looking first keeps RocksDB from running into the end of the disk: it does not get over a log
// that could not be written.
Status Committer::room_for(const ports::Transaction& transaction, std::uint64_t free_space) const {
  if (write_found_no_space_ || !db_.is_writable())
    return error(Errc::kDiskFull, "store.commit: a write to " + db_.path() + " found no space",
                 "free some space, then start again");
  if (free_space >= (creates_rows(transaction) ? kSpaceToCreate : kSpaceToChange)) return ok();
  return error(
      Errc::kDiskFull,
      "store.commit: " + std::to_string(free_space >> 20) + " MiB are free at " + db_.path(),
      "work goes on when " + std::to_string(kSpaceToCreate >> 20) + " MiB are free");
}

Status Committer::write(rocksdb::WriteBatch* batch) {
  TP_FAILPOINT("store.commit.before");
  const rocksdb::Status s = db_.db().Write(durable_write(), batch);
  if (!s.ok()) {
    Error failure = store_error(s, "store.commit", db_.path());
    if (failure.code == Errc::kDiskFull) {
      write_found_no_space_ = true;
    } else {
      failure.code = Errc::kStoreIo;
      failed_ = true;
    }
    return failure;
  }
  TP_FAILPOINT("store.commit.after");
  return ok();
}

void Committer::complete(Request request, Status outcome) {
  // From this thread a dispatch is a post: no executor of a handler runs here.
  const boost::asio::any_completion_executor executor = request.work.get_executor();
  boost::asio::dispatch(
      executor, [handler = std::move(request.handler), outcome = std::move(outcome)]() mutable {
        std::move(handler)(std::move(outcome));
      });
}

}  // namespace taubenpost
