// Committer: the one thread that writes. Everything queued when it looks becomes one synced write.
//
// submit() returns at once; the handler runs on its own executor when the outcome is known, and
// that executor's work is kept until then. Destroying the committer first finishes the queue.
#pragma once

#include <atomic>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "ports/store.h"
#include "store/row_seal.h"
#include "store/store_db.h"

namespace taubenpost {

// Bytes that must be free before a commit: one that creates rows leaves the rest for those that
// end work (moves, acknowledgements, drops), so that a full disk can be worked off.
inline constexpr std::uint64_t kSpaceToCreate = 32U << 20;
inline constexpr std::uint64_t kSpaceToChange = 8U << 20;

class Committer {
 public:
  using Handler = boost::asio::any_completion_handler<void(Status)>;

  // Both outlive the committer.
  Committer(const StoreDb& db, const RowSeal& seal);
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  void submit(ports::Transaction transaction, Handler handler);
  // kStoreIo once a write has failed: nothing that is read or written afterwards can be trusted.
  // Not after one that found no space: then only commits are refused.
  Status usable() const;

 private:
  struct Request {
    ports::Transaction transaction;
    Handler handler;
    boost::asio::executor_work_guard<boost::asio::any_completion_executor> work;
  };

  void run();
  std::vector<Request> next_group();
  std::vector<Status> commit_group(const std::vector<Request>& group);
  Status write(rocksdb::WriteBatch* batch);
  Status room_for(const ports::Transaction& transaction, std::uint64_t free_space) const;
  static void complete(Request request, Status outcome);

  const StoreDb& db_;
  const RowSeal& seal_;
  std::atomic<bool> failed_ = false;
  bool write_found_no_space_ = false;  // commit thread only

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::deque<Request> queue_;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace taubenpost
