// A copy of a state directory from which it can be restored (schema/store.md, "Backups").
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "files/disk.h"
#include "store/key_source.h"

namespace taubenpost {

struct BackupPlan {
  std::string state_dir;
  std::string target;     // absolute; must not exist, its parent must
  bool with_key = false;  // DIR/store.key too: whoever has such a copy can read all of it
};
struct BackupResult {
  std::uint64_t files = 0, bytes = 0;
};

// Copies the database, the spools that uploads still need, and config.toml, while nobody else can
// use the store, which `key` opens; nothing in the state directory is changed. The copy is opened
// once, synced, and appears at `target` by a rename: it is complete or absent. Errors: those of
// opening a store; kRefused (the target exists), kNotFound (no parent), kLocked, kDiskFull, kIo.
Result<BackupResult> make_backup(const BackupPlan& plan, const KeySource& key, Disk& disk);

}  // namespace taubenpost
