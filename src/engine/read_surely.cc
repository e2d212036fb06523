#include "engine/read_surely.h"

#include "engine/backoff.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Outcome;

asio::awaitable<Result<ports::ReadResult>> read_surely(EnginePorts ports, Bytes read_cap,
                                                       IndexBytes index, std::uint64_t lag_ms) {
  Backoff backoff(ports);
  int damaged_left = 2;
  for (;;) {
    ports::ReadResult result = co_await ports.network.read(read_cap, index);
    switch (result.outcome) {
      case Outcome::kNotFound:
        if (backoff.waited_ms() >= lag_ms) co_return result;
        break;
      case Outcome::kUnreadable:
        if (damaged_left-- == 0) co_return result;
        break;
      case Outcome::kReencrypt:
        break;  // the next read is encrypted anew
      case Outcome::kRetry: {
        Result<ports::NetworkView> alive = co_await ports.network.view(kDaemonLimitMs);
        if (!alive) co_return alive.error();
        break;
      }
      case Outcome::kOk:
      case Outcome::kTombstone:
      case Outcome::kTaken:
      case Outcome::kStorageFull:
      case Outcome::kRejected:
        co_return result;
    }
    co_await backoff.pause();
  }
}

}  // namespace taubenpost
