#include "engine/tombstone.h"

#include "bacap/capability.h"
#include "base/failpoint.h"
#include "engine/backoff.h"
#include "engine/read_surely.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Outcome;

namespace {

constexpr int kReadsThatAgree = 3;
constexpr unsigned kAttempts = 20;

// Returns when a replica has the tombstone.
asio::awaitable<Status> write_tombstone(EnginePorts ports, Bytes write_cap, IndexBytes index) {
  Backoff backoff(ports);
  for (;;) {
    const ports::WriteResult written =
        co_await ports.network.tombstone(SecretBytes(write_cap), index);
    TP_FAILPOINT("retract.box.written");
    if (written.outcome == Outcome::kOk) co_return ok();
    Status again = co_await wait_to_write_again(ports, written, backoff);
    if (!again) co_return again.error();
  }
}

}  // namespace

asio::awaitable<Status> ensure_tombstone(EnginePorts ports, Bytes write_cap, IndexBytes index) {
  Result<bacap::WriteCap> cap = bacap::WriteCap::parse(write_cap);
  if (!cap) co_return cap.error();
  const Bytes read_cap = to_bytes(cap->read_cap().view());
  Backoff backoff(ports);
  for (int agreed = 0; agreed < kReadsThatAgree;) {
    Result<ports::ReadResult> read = co_await read_surely(ports, read_cap, index, /*lag_ms=*/0);
    if (!read) co_return read.error();
    if (read->outcome == Outcome::kTombstone) {
      ++agreed;
      continue;
    }
    agreed = 0;
    if (backoff.attempts() == kAttempts)
      co_return error(Errc::kRejected, "a box that was retracted still shows something else");
    Status written = co_await write_tombstone(ports, write_cap, index);
    if (!written) co_return written.error();
    co_await backoff.pause();
  }
  co_return ok();
}

}  // namespace taubenpost
