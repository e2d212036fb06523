// The commands of `taubenpost raw`, by file.
#pragma once

#include "cli/command.h"

namespace taubenpost::cli {

void add_raw_boxes(Commands& commands, CLI::App& raw);
void add_raw_copies(Commands& commands, CLI::App& raw);
void add_raw_services(Commands& commands, CLI::App& raw);

// --count (1 to 1,000) and --from-first.
void add_range_options(CLI::App& command, std::uint32_t& count, bool& from_first);

}  // namespace taubenpost::cli
