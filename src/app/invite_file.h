// Invitation files: 0600, whole or absent, never overwriting.
//
// The invitation of an outgoing channel can be made again from its row, so that a kill between the
// channel's commit and the file's rename loses nothing: the same command run again writes it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/secret.h"
#include "engine/channels.h"
#include "files/disk.h"

namespace taubenpost {

class InviteFile {
 public:
  // `path` is absolute. kRefused if something is there that is not the invitation of `known` (null:
  // of no channel yet); kNotFound, kIo, kDiskFull if its folder can't take a new file.
  static Result<std::unique_ptr<InviteFile>> reserve(Disk& disk, std::string path,
                                                     const Invitation* known);
  // Leaves nothing behind of a file that was not published.
  ~InviteFile();
  InviteFile(const InviteFile&) = delete;
  InviteFile& operator=(const InviteFile&) = delete;

  // The file is complete and durable when it returns. kRefused if somebody else made it meanwhile.
  Status publish(const Invitation& invitation);
  // The same with a text of the caller's: keys for users of pigeonhole-cp.
  Status publish(const SecretBytes& text);

 private:
  InviteFile(Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  std::string unfinished() const { return path_ + ".new"; }

  Disk& disk_;
  const std::string path_;
  std::optional<FileHandle> handle_;  // of the unfinished file; none if it is there already
};

// `path` "-": standard input. At most 4,096 bytes are read. kNotFound, kIo, kInvalid.
Result<Invitation> read_invitation(const std::string& path);
// The same for what pigeonhole-cp users exchange (decode_foreign): an invitation without a label.
Result<Invitation> read_foreign(const std::string& path);

}  // namespace taubenpost
