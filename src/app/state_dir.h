// The state directory: config.toml, the job store and its key, the spool.
//
// Mode 0700, ours alone. config.toml holds what the user may change; a key that this version does
// not know is an error that names it. Everything else in the directory belongs to the store and
// the spool (schema/store.md).
#pragma once

#include <string>
#include <string_view>

#include "app/unlock.h"
#include "base/error.h"

namespace taubenpost {

// $XDG_STATE_HOME/taubenpost, or ~/.local/state/taubenpost; kUsage if neither variable is set.
Result<std::string> default_state_dir();
// $XDG_CONFIG_HOME/taubenpost/thinclient.toml, or below ~/.config; kUsage as above.
Result<std::string> default_thin_config();

// `path` made absolute against the working directory, without "." and "..".
std::string absolute_path(const std::string& path);

struct Config {
  std::string thin_config;  // absolute path of the daemon's thinclient.toml
  KeyOptions key;           // how the store is unlocked; without passphrase_fd
};

// The text of config.toml; `name` is the file's name for messages. kUsage names line and key.
Result<Config> parse_app_config(std::string_view text, std::string_view name);
// Also kUsage if it is too large or no file; kStoreBad if it is missing or can't be read.
Result<Config> load_app_config(const std::string& state_dir);

enum class InitResult { kMade, kThereAlready };

// Makes the directory (0700), config.toml and the store, whose first key slot is `key`. Repeating
// it is harmless, also after a kill at any point. Errors: kRefused (holds something else, belongs
// to somebody else, or is initialised with another configuration), and those of RocksStore::create.
Result<InitResult> init_state_dir(const std::string& state_dir, const Config& config,
                                  const KeySource& key);

}  // namespace taubenpost
