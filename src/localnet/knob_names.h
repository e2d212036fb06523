// Knobs by name, as people write them: in options, in files, on the control socket.
//
//   copy_poll=20          durations in milliseconds
//   slot_rate=0.001       rates in events per millisecond, 0 for no waiting; losses from 0 to 1
//   replica_down=0,2      positions, or none
//   services=echo,spool:1 names, each with a number of providers if not all nodes are, or none
//   temp_cleanup=real     one of the words that are listed
// Errors name the knob and what is allowed (kUsage).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "localnet/knobs.h"
#include "localnet/network_size.h"

namespace taubenpost::localnet {

// Name and meaning of every knob, in the order of knobs.h.
struct KnobName {
  std::string_view name, meaning;
};
std::vector<KnobName> knob_names();

// Each word is NAME=VALUE; all of them, or nothing is changed. Positions are those of a network of
// this size.
Status set_knobs(Knobs& knobs, const NetworkSize& size, const std::vector<std::string>& words);
// The same from TOML, NAME = VALUE, several values as an array; `path` is the file's name for
// messages.
Status parse_knobs(Knobs& knobs, const NetworkSize& size, std::string_view text,
                   std::string_view path);
// Such a file. Also kNotFound, kIo (unreadable, over 64 KiB).
Status load_knobs(Knobs& knobs, const NetworkSize& size, const std::string& path);
// One JSON object with every knob, or with these.
std::string knobs_json(const Knobs& knobs);
Result<std::string> knobs_json(const Knobs& knobs, const std::vector<std::string>& names);

}  // namespace taubenpost::localnet
