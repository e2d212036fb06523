// What opens the store: the way that was named on the command line, else the one in config.toml,
// else the credential that a service manager passed, else DIR/store.key.
//
// A passphrase is never an argument or in the environment of a child: it comes from a file, from a
// descriptor or from a program's output.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "store/key_source.h"

namespace taubenpost {

// At most one is given; absolute paths.
struct KeyOptions {
  std::string key_file;
  std::string passphrase_file;     // 0600; the line feed at its end does not belong to it
  std::string passphrase_command;  // run without arguments; its output, likewise
  std::optional<int> passphrase_fd;

  bool operator==(const KeyOptions&) const = default;
  // How many are given.
  int ways() const {
    return int{!key_file.empty()} + int{!passphrase_file.empty()} +
           int{!passphrase_command.empty()} + int{passphrase_fd.has_value()};
  }
};

// The way that is `given`, else the one that is `configured`, else what is there: the credential
// taubenpost.key of a service manager, or DIR/store.key, which may not exist yet. kUsage: several
// are given; kCannotUnlock: a passphrase can't be read, is empty or longer than 1,024 bytes. A key
// file is read when the store is opened.
Result<KeySource> key_source(const KeyOptions& given, const KeyOptions& configured,
                             const std::string& state_dir);
// The way that is given, and nothing else.
Result<KeySource> key_source(const KeyOptions& given);

}  // namespace taubenpost
