// The channels that carry receipts: each belongs to a channel for transfers, goes the other way,
// and is seen by its users only as a property of that.
//
// The sender of a channel makes its sequence for receipts, reads it, and hands its write capability
// over in the invitation. The recipient writes to it, if they want to: a receipt tells the sender
// when they received something, so that nothing is sent before they say so, and they can end it.
// What receipts say is in receipts.h.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "bacap/capability.h"
#include "engine/ports.h"

namespace taubenpost {

// The sequence for receipts of an outgoing channel. It comes from the channel's own, so that an
// invitation can be made again from the store; who only reads the channel learns nothing of it.
bacap::WriteCap receipts_cap(const bacap::WriteCap& channel);

// Adds to `step`, for an outgoing channel that is not stored yet: the channel for its receipts.
void want_receipts(EnginePorts& ports, ChannelRow& channel, ports::Transaction& step);
// The same for an incoming channel, by what its invitation holds. One that was given up goes on at
// its next position. kInvalid: a capability that is none, or the channel's own; kStateConflict: it
// serves another channel.
Status give_receipts(EnginePorts& ports, ChannelRow& channel, ByteView write_cap,
                     ports::Transaction& step);

// Of an incoming channel that is there: receipts for what is placed from now on, or no more.
// kUsage (a channel for sending), kNotFound, kNothingToDo (it is so already), and as above.
boost::asio::awaitable<Status> start_receipts(EnginePorts ports, std::string name, Bytes write_cap);
boost::asio::awaitable<Status> stop_receipts(EnginePorts ports, std::string name);

}  // namespace taubenpost
