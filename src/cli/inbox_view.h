// The inbox as people and scripts see it: what arrived and is no receive job.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/output.h"
#include "engine/inbox.h"

namespace taubenpost::cli {

struct EntryView {
  InboxRow row;
  std::string channel_name;
  std::string id;
  std::optional<Announced> announced;  // of a transfer

  std::string_view state() const;
  std::string line() const;  // "ID STATE NAME (SIZE bytes) <- CHANNEL: REASON"
  Json json() const;
};

// Of one channel, or of all if `from` is empty; without what has become a job, and its copies, but
// with what was discarded.
Result<std::vector<EntryView>> entries(const ports::Store& store, const std::string& from);
// By a prefix of its id of at least six characters; kUsage (too short, ambiguous), kNotFound.
Result<EntryView> find_entry(const ports::Store& store, const std::string& prefix);

}  // namespace taubenpost::cli
