// Accepting a send job: the request is durable when this returns, and nothing was read yet but the
// identity of the source.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "engine/ports.h"

namespace taubenpost {

struct SendRequest {
  std::string source;           // absolute path of a regular file
  std::vector<std::string> to;  // names of outgoing channels, at least one, no duplicates
  std::string note;             // at most 512 bytes
};

// Errors: kNotFound (source, channel), kSourceUnreadable, kUsage (a folder, an incoming channel,
// a duplicate, an impossible name), kRefused (a channel of another network).
boost::asio::awaitable<Result<JobId>> enqueue_send(EnginePorts ports, SendRequest request);

}  // namespace taubenpost
