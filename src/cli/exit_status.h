// The exit status of the program: one place for all commands (docs/errors.md, design 9).
#pragma once

#include "base/error.h"

namespace taubenpost::cli {

// What a shell sees. Documented numbers: never reused for something else.
enum ExitStatus : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kPartial = 3,  // some of it was done, some failed for good
  kNotFound = 4,
  kTemporary = 5,   // the same command may succeed later
  kUnfinished = 6,  // durably queued, not finished
  kRefused = 7,
  kDiskFull = 8,
  kNothingToDo = 9,
  kStoreBad = 10,
  kLocked = 11,
  kCannotUnlock = 12,
  kDaemonGone = 13,
  kSignalBase = 128,  // plus the signal's number: 130 SIGINT, 143 SIGTERM
};

constexpr int exit_status(Errc code) {
  switch (code) {
    case Errc::kUsage:
      return kUsage;
    case Errc::kNotFound:
      return kNotFound;
    case Errc::kInvalid:
    case Errc::kStateConflict:
    case Errc::kSourceChanged:
    case Errc::kSourceUnreadable:
    case Errc::kRejected:
    case Errc::kIo:
      return kFailed;
    case Errc::kDaemonGone:
      return kDaemonGone;
    case Errc::kOutcomeUnknown:
    case Errc::kTemporary:
      return kTemporary;
    case Errc::kRefused:
      return kRefused;
    case Errc::kDiskFull:
      return kDiskFull;
    case Errc::kStoreBad:
    case Errc::kStoreIo:
      return kStoreBad;
    case Errc::kLocked:
      return kLocked;
    case Errc::kCannotUnlock:
      return kCannotUnlock;
    case Errc::kCancelled:
      return kUnfinished;  // by a signal: kSignalBase, see main.cc
    case Errc::kNothingToDo:
      return kNothingToDo;
  }
  return kFailed;
}

// Several jobs in one command. A job that failed for some of its recipients counts twice.
constexpr int exit_status_of_jobs(std::size_t delivered, std::size_t failed,
                                  std::size_t unfinished) {
  if (failed > 0) return delivered > 0 ? kPartial : kFailed;
  return unfinished > 0 ? kUnfinished : kDone;
}

}  // namespace taubenpost::cli
