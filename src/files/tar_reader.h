// TarReader: the entries of a tar archive from outside, one after the other. It writes nothing.
//
// Only tar, plain: no other format and no compression is looked for, so that what comes out is no
// longer than what goes in (holes of sparse files aside, which are told). Together with tar_writer
// the only user of libarchive.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

namespace taubenpost {

struct TarItem {
  enum class Kind : std::uint8_t { kFile, kFolder, kOther };  // links, devices, sparse files
  std::string name;  // as it stands there: nothing was checked
  Kind kind = Kind::kOther;
  std::uint64_t size = 0;
  std::uint32_t mode = 0;  // permission bits
  std::int64_t mtime = 0;
};

class TarReader {
 public:
  // Bytes of the archive from an offset on; empty at its end.
  using Read = std::function<Result<Bytes>(std::uint64_t offset, std::size_t length)>;

  explicit TarReader(Read read);
  ~TarReader();
  TarReader(const TarReader&) = delete;
  TarReader& operator=(const TarReader&) = delete;

  // None at the end. kRejected: damaged, or no tar. Errors of `read`.
  Result<std::optional<TarItem>> next();
  // Of the item that came last; empty at its end.
  Result<Bytes> content(std::size_t limit);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace taubenpost
