// Failpoints: named places where a test stops the process dead.
//
// Rule: one on each side of every step that outlives the process (a commit, a rename, a message to
// the daemon). A name that is not in kFailpoints does not compile; the crash matrix walks the list
// and fails if a name is never reached. Compiled out unless TP_FAILPOINTS is on (the fault build).
#pragma once

#include <algorithm>
#include <functional>
#include <string_view>

#include "base/failpoint_names.h"

namespace taubenpost {

consteval std::string_view known_failpoint(std::string_view name) {
  if (std::find(kFailpoints.begin(), kFailpoints.end(), name) == kFailpoints.end())
    throw "failpoint is not declared in base/failpoint_names.h";
  return name;
}

// Ends the process with SIGKILL (no destructors, no flush) when `name` is armed and has been passed
// as often as armed. Armed from the environment: TP_FAILPOINT=<name>:<hit>.
void failpoint_reached(std::string_view name);

// Runs right before such a kill: a test undoes here what the process has not synced.
void on_failpoint_kill(std::function<void()> hook);

}  // namespace taubenpost

#ifdef TP_FAILPOINTS
#define TP_FAILPOINT(name) ::taubenpost::failpoint_reached(::taubenpost::known_failpoint(name))
#else
#define TP_FAILPOINT(name) static_cast<void>(0)
#endif
