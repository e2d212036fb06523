// Error and Result: the one way this program reports a failure that it expects.
//
// A code exists only where some caller acts on it differently; everything else is text. Broken
// invariants do not come here: they abort (TP_CHECK). Numbers are part of the JSON output and are
// never reused; the exit status of each is in cli/exit_status.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"

namespace taubenpost {

enum class Errc : std::uint16_t {
  kUsage = 1,             // the caller's words are off: say what is expected
  kNotFound = 2,          // no such file, job, channel: say so
  kInvalid = 3,           // malformed bytes from outside: report, keep, go on with the next
  kStateConflict = 4,     // the row is not in the expected state: reload and decide again
  kSourceChanged = 5,     // the source is not what was queued: fail the job
  kSourceUnreadable = 6,  // the source exists and can't be read: fail, name it
  kDaemonGone = 7,        // no connection to the daemon: back off, resume
  kOutcomeUnknown = 8,    // it may or may not have happened: repeat what is safe to repeat
  kTemporary = 9,         // try again later
  kRejected = 10,         // the other side refused for good: fail the job
  kRefused = 11,          // our own policy refuses: say what would be allowed
  kDiskFull = 12,         // no space: stop writing, keep what is there
  kStoreBad = 13,         // the store is missing, foreign, damaged or of another version
  kStoreIo = 14,          // the disk fails: stop the process
  kLocked = 15,           // another process has the store
  kCannotUnlock = 16,     // the key does not open the store
  kCancelled = 17,        // somebody asked to stop
  kNothingToDo = 18,      // there was nothing to do: exit 9
  kIo = 19,               // a file outside the store can't be read or written
};

struct Error {
  Errc code;
  std::string what;  // what failed, on which object: "store.open: PATH: reason"; never a secret
  std::string hint;  // what to do, or empty
  // What the other side answered, in its own code space; 0: nothing.
  std::uint8_t peer_code = 0;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }
  T& value() & {
    TP_CHECK(*this);
    return std::get<0>(state_);
  }
  const T& value() const& {
    TP_CHECK(*this);
    return std::get<0>(state_);
  }
  T&& value() && {
    TP_CHECK(*this);
    return std::get<0>(std::move(state_));
  }
  const Error& error() const {
    TP_CHECK(!*this);
    return std::get<1>(state_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Error> state_;
};

struct Unit {};
using Status = Result<Unit>;
inline Status ok() { return Unit{}; }

inline Error error(Errc code, std::string what, std::string hint = {}) {
  return Error{code, std::move(what), std::move(hint), 0};
}

}  // namespace taubenpost

// TP_TRY(expr): returns the error of a Status or Result expression, else goes on.
// TP_CO_TRY: the same inside a coroutine.
#define TP_TRY(expr)                           \
  do {                                         \
    if (auto tp_status = (expr); !tp_status) { \
      return tp_status.error();                \
    }                                          \
  } while (false)
#define TP_CO_TRY(expr)                          \
  do {                                           \
    auto tp_status = (expr);                     \
    if (!tp_status) co_return tp_status.error(); \
  } while (false)
