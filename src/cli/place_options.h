// Where and how received files are placed: options of the commands that make receive jobs.
#pragma once

#include <CLI/App.hpp>
#include <boost/asio/awaitable.hpp>
#include <string>

#include "engine/inbox.h"

namespace taubenpost::cli {

struct PlaceArgs {
  std::string into;
  bool unpack = false;
  std::string if_exists;

  bool is_given() const { return !into.empty() || unpack || !if_exists.empty(); }
  PlaceOptions options() const;
  // Absolute; the working directory unless another one was given. kUsage: it is no folder;
  // kNotFound.
  Result<std::string> folder() const;
};

// Whether a transfer can become that very file (an absolute path). kNotFound, kUsage (no such
// folder), kRefused: something is there that is not to be replaced, or never is.
Status can_be_target(const std::string& file, IfExists if_exists);

// As receive_again() of engine/inbox.h, and takes what is fetched along.
boost::asio::awaitable<Status> receive_elsewhere(EnginePorts ports, ReceiveJobRow row,
                                                 std::string folder, PlaceOptions place);

// --into, --unpack, --if-exists.
void add_place_options(CLI::App& command, PlaceArgs& args);

}  // namespace taubenpost::cli
