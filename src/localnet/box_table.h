// The table of boxes behind a ReplicaStore: bytes by key, in one RocksDB folder.
//
// What put() has answered with true has reached the kernel (write-ahead log, not synced), so it
// survives a kill of the process. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace taubenpost::localnet {

class BoxTable {
 public:
  enum class Found : std::uint8_t { kYes, kNo, kFailed };

  // Errors: kStoreBad.
  static Result<std::unique_ptr<BoxTable>> open(const std::string& folder);
  ~BoxTable();
  BoxTable(const BoxTable&) = delete;
  BoxTable& operator=(const BoxTable&) = delete;

  Found get(const std::string& key, std::string& value) const;
  bool put(const std::string& key, const std::string& value);
  // Keys and values from `begin` to before `end`, in the order of the keys, at most `count`.
  std::vector<std::pair<std::string, std::string>> scan(const std::string& begin,
                                                        const std::string& end,
                                                        std::size_t count) const;
  // Deletes the keys from `begin` to before `end`. Errors: kStoreIo.
  Status drop(const std::string& begin, const std::string& end);

 private:
  struct Impl;
  explicit BoxTable(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace taubenpost::localnet
