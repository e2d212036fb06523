// Planning a send job: its content is taken in, and cut into what the letter, or boxes and batches,
// will carry.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "engine/ports.h"
#include "ports/input.h"

namespace taubenpost {

// Reads the source, unless that was done before the job was queued. What the plan counts on is
// durable when it is there; a crash in here begins again. Errors: those of the source,
// kSourceChanged if it is not what was queued; kRefused, boxes that are too small; kInvalid, a
// damaged spool.
boost::asio::awaitable<Result<SendPlan>> plan_send(EnginePorts ports, const EngineOptions& options,
                                                   SendJobRow row, std::uint64_t box_max);

// Reads an input to its end into the spool of `row`, which is about to be queued, and sets what is
// known of it then. kRefused: more than its channels take. On an error nothing is left.
boost::asio::awaitable<Status> take_input(EnginePorts ports, ports::Input& input, SendJobRow& row);

}  // namespace taubenpost
