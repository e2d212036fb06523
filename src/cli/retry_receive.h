// taubenpost retry of a receive job: it is received after all, where it was to go or elsewhere.
#pragma once

#include <CLI/App.hpp>
#include <string>

#include "cli/command.h"
#include "cli/jobs.h"

namespace taubenpost::cli {

// What is empty stays as it is.
struct RetryPlaceArgs {
  std::string into, if_exists, output;

  bool is_empty() const { return into.empty() && if_exists.empty() && output.empty(); }
};
void add_retry_place_options(CLI::App& command, RetryPlaceArgs& args);

Result<int> retry_receive(Context& context, const ReceiveView& job, const RetryPlaceArgs& args);

}  // namespace taubenpost::cli
