// Where and how received files are placed: options of the commands that make receive jobs.
#pragma once

#include <CLI/App.hpp>
#include <string>

#include "engine/inbox.h"

namespace taubenpost::cli {

struct PlaceArgs {
  std::string into = ".";
  bool unpack = false;
  std::string if_exists = "rename";

  PlaceOptions options() const;
  // Absolute. kUsage: it is no folder; kNotFound.
  Result<std::string> folder() const;
};

// --into, --unpack, --if-exists.
void add_place_options(CLI::App& command, PlaceArgs& args);

}  // namespace taubenpost::cli
