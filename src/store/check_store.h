// Checking a store without changing it: every row, and every reference from one row to another.
//
// What is wrong is reported one by one and the check goes on, so that one look shows all of it.
// Memory does not grow with the store (but for the names of its channels).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "ports/files.h"
#include "store/open_store.h"

namespace taubenpost {

struct Finding {
  std::string object;  // which row, job, channel: for people
  std::string what;
  std::string advice;
};

struct CheckSummary {
  std::uint64_t rows = 0;
  std::uint64_t send_jobs = 0, receive_jobs = 0, channels = 0;
  std::uint64_t spool_slices = 0;     // opened
  std::uint64_t leftover_spools = 0;  // of jobs that need none: the next run removes them
  std::uint64_t findings = 0;
};

// `store` is open_store_to_look()'s, `files` has its spool. Errors: the spool folder can't be read.
Result<CheckSummary> check_store(const OpenedStore& store, ports::Files& files,
                                 const std::function<void(const Finding&)>& report);

}  // namespace taubenpost
