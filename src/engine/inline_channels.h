// The life of an inline job in its channels (schema/letter.cddl).
//
// A channel carries one transfer behind the other, so a job has its channels for itself: it takes
// them when its turn comes, and others wait (held.h). Its positions are reserved with the plan: the
// header's is the channel's next one, those of the content follow. A channel is given back when
// nothing more will be written to it: when the header was read back, when it is known that there
// will be none, or when every position holds a tombstone. So no reader meets a gap.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "engine/ports.h"

namespace taubenpost {

// Whether nothing of it can have reached the network: no batch was opened, no header decided.
inline bool is_unwritten(const SendJobRow& job) { return job.next_batch == 0 && job.until == 0; }

// Adds to `step`: the channels of the job are its own. kRefused if another job has one.
Status take_channels(const ports::Store& store, const SendJobRow& job, ports::Transaction& step);

// Adds to `step`: every recipient has their header, and positions for it and for the content.
boost::asio::awaitable<Status> reserve_streams(EnginePorts ports, SendJobRow job,
                                               ports::Transaction& step);

// Where the next transfer that can be read begins: that of the job which has the channel, or a
// later one's. What pigeonhole-cp has to be told.
Result<IndexBytes> next_start(const ports::Store& store, const ChannelRow& channel);

// Whether the job has a channel for itself.
Result<bool> has_channels(const ports::Store& store, const SendJobRow& job);

enum class Release : std::uint8_t {
  kEnded,    // the channels that the job has nothing left to do with
  kAll,      // all of them
  kUndoing,  // all of them and, since nothing was written, their positions
};
// Adds to `step`: channels of the job are free again. Nothing for a job of letters.
Status release_channels(const ports::Store& store, const SendJobRow& job, Release which,
                        ports::Transaction& step);

}  // namespace taubenpost
