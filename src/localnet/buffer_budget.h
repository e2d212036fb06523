// What all connections of a daemon, and clients that are away, hold in memory together: frames that
// are not complete or not answered yet, and replies that nobody has read.
//
// The sum is bounded. When it gets too large, whoever finished a whole frame the longest ago, in or
// out, has to go: a peer that works finishes frames all the time, one that only fills memory does
// not, nor does a client that is away. One thread.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>

namespace taubenpost::localnet {

class BufferBudget {
 public:
  // Enough for several of the longest requests and their replies at a time.
  static constexpr std::size_t kDefaultLimit = 256U << 20;

  explicit BufferBudget(std::size_t limit = kDefaultLimit) : limit_(limit) {}

  // The part of one connection, or of one client that is away.
  class Share {
   public:
    // `give_up` is called at most once, from an add() of any share, and counts nothing any more.
    Share(std::shared_ptr<BufferBudget> budget, std::function<void()> give_up)
        : budget_(std::move(budget)), give_up_(std::move(give_up)) {}
    ~Share() { close(); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    void add(std::size_t bytes);
    void remove(std::size_t bytes);
    // A whole frame was read or written.
    void progress();
    // It holds nothing any more, whatever comes.
    void close();

   private:
    const std::shared_ptr<BufferBudget> budget_;
    std::function<void()> give_up_;
    std::size_t held_ = 0;
    bool closed_ = false;
    std::list<Share*>::iterator place_;  // while it holds something
  };

  std::size_t held() const { return held_; }

 private:
  const std::size_t limit_;
  std::size_t held_ = 0;
  std::list<Share*> holders_;  // the one without progress for the longest time is in front
};

}  // namespace taubenpost::localnet
