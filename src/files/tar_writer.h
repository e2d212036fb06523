// TarWriter: entries to a tar stream in the pax format, bytes handed on as they are made.
//
// The same entries give the same bytes. Together with tar_reader the only user of libarchive.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

namespace taubenpost {

struct TarEntry {
  std::string name;  // UTF-8, components separated by '/', none in front or behind
  bool is_folder = false;
  std::uint64_t size = 0;
  std::uint32_t mode = 0;  // permission bits
  std::int64_t mtime = 0;  // Unix seconds
};

class TarWriter {
 public:
  explicit TarWriter(std::function<void(ByteView)> sink);
  ~TarWriter();
  TarWriter(const TarWriter&) = delete;
  TarWriter& operator=(const TarWriter&) = delete;

  // kIo: what the format can't hold.
  Status begin(const TarEntry& entry);
  // Content of the entry that was begun; what is missing at its end counts as zeros.
  Status content(ByteView bytes);
  Status end_entry();
  Status end();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace taubenpost
