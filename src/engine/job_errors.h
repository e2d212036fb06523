// Whose an error of a step is: the job's, which then ends with it, or the engine's.
#pragma once

#include "base/error.h"

namespace taubenpost {

// What a job that writes can't get over; everything else stops the engine and leaves the job.
constexpr bool belongs_to_job(Errc code) {
  switch (code) {
    case Errc::kNotFound:
    case Errc::kInvalid:
    case Errc::kSourceChanged:
    case Errc::kSourceUnreadable:
    case Errc::kRejected:
    case Errc::kRefused:
    case Errc::kUsage:
      return true;
    default:
      return false;
  }
}

}  // namespace taubenpost
