// Input: bytes that come one after another and are read once, as those of a pipe.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>

#include "base/bytes.h"
#include "base/error.h"

namespace taubenpost::ports {

class Input {
 public:
  virtual ~Input() = default;
  // Up to `limit` bytes as soon as some are there; empty at the end.
  virtual boost::asio::awaitable<Result<Bytes>> read(std::size_t limit) = 0;
};

}  // namespace taubenpost::ports
