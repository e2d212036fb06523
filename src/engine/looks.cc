#include "engine/looks.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "bacap/capability.h"
#include "bacap/epochs.h"
#include "engine/backoff.h"
#include "engine/task_group.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Outcome;

namespace {

// Reads without a clear answer before the round ends; the next round goes on at the same position.
constexpr unsigned kAttempts = 5;
// A round reads so many positions right behind an empty one, and so many others of its reach. Most
// holes are one position wide; the wider ones are found by chance, a few rounds later.
constexpr std::uint64_t kNear = 2;
constexpr std::uint64_t kFar = 2;
constexpr std::uint64_t kReach = 16, kReachMax = 4096;

Error no_answer(const std::string& detail) {
  return error(Errc::kTemporary, "poll: the network gave no clear answer: " + printable(detail),
               "nothing was skipped; try again later");
}

// kOk, kTombstone or kNotFound; everything else is an error.
asio::awaitable<Result<ports::ReadResult>> read_position(EnginePorts ports, Bytes read_cap,
                                                         IndexBytes index) {
  Backoff backoff(ports);
  for (;;) {
    ports::ReadResult result = co_await ports.network.read(read_cap, index);
    switch (result.outcome) {
      case Outcome::kOk:
      case Outcome::kTombstone:
      case Outcome::kNotFound:
        co_return result;
      case Outcome::kRejected:
        co_return error(Errc::kRejected, "poll: the read was refused: " + printable(result.detail));
      case Outcome::kRetry:
      case Outcome::kReencrypt:
      case Outcome::kUnreadable:  // of a replica's making, perhaps: never a reason to skip a letter
      case Outcome::kStorageFull:
      case Outcome::kTaken:
        break;
    }
    if (backoff.attempts() + 1 >= kAttempts) co_return no_answer(result.detail);
    const Result<ports::NetworkView> alive = co_await ports.network.view(kDaemonLimitMs);
    if (!alive) co_return alive.error();
    co_await backoff.pause();
  }
}

// How far ahead of `next` a letter may be: further, the longer nothing was found.
std::uint64_t reach_of(const ChannelRow& channel, std::uint64_t now_s) {
  const std::uint64_t last = std::max(channel.created, channel.found);
  const std::uint64_t quiet = bacap::replica_epoch(now_s) -
                              std::min(bacap::replica_epoch(last), bacap::replica_epoch(now_s));
  return std::min(kReachMax, kReach << std::min<std::uint64_t>(quiet, 16));
}

}  // namespace

asio::awaitable<void> look_at(EnginePorts ports, Bytes read_cap, Look& look) {
  look.read = co_await read_position(ports, std::move(read_cap), look.index);
}

asio::awaitable<Status> look_at_all(EnginePorts ports, const Bytes& read_cap,
                                    std::vector<Look>& looks) {
  TaskGroup readers(co_await asio::this_coro::executor);
  for (Look& look : looks) readers.spawn(look_at(ports, read_cap, look));
  co_await readers.join();
  for (const Look& look : looks)
    if (!look.read && look.read.error().code != Errc::kTemporary) co_return look.read.error();
  co_return ok();
}

Result<std::vector<Look>> positions_ahead(EnginePorts& ports, const ChannelRow& channel) {
  const std::uint64_t reach = reach_of(channel, ports.clock.unix_ms() / 1000);
  std::vector<std::uint64_t> distances;
  for (std::uint64_t i = 1; i <= kNear; ++i) distances.push_back(i);
  for (std::uint64_t i = 0; i < kFar; ++i)
    distances.push_back(kNear + 1 + ports.random.below(reach - kNear));
  std::sort(distances.begin(), distances.end());
  distances.erase(std::unique(distances.begin(), distances.end()), distances.end());

  Result<bacap::MessageBoxIndex> at = bacap::MessageBoxIndex::parse(channel.next);
  if (!at) return at.error();
  std::vector<Look> looks;
  std::uint64_t distance = 0;
  for (const std::uint64_t wanted : distances) {
    for (; at && distance < wanted; ++distance) at = at->next();
    if (!at) break;
    looks.push_back({at->counter(), at->bytes(), ports::ReadResult{}});
  }
  return looks;
}

}  // namespace taubenpost
