// One poll round of an incoming channel: everything that is there becomes inbox rows and, as the
// channel's rules say (inbox.h), receive jobs, each in one commit with the channel's next position.
//
// No position holds the channel up (design 4.3): where one is empty, some behind it are read as
// well. What is found there is taken at once; the positions that were passed over are awaited:
// later rounds read them again, until a box there must have aged out.
//
// A position that begins a pigeonhole-cp stream gives the channel to the job that reads the stream
// (ChannelRow::stream); rounds leave the channel alone until the job has moved it on, also while
// the stream waits for its user. In an inline channel nothing else is taken, and
// nothing behind an empty position is looked at: its content is written before its header, and is
// not to be taken for one. Tombstones in a row are one row of the inbox there: of a transfer that
// was called back, each box is one.
//
// A round takes a bounded number of boxes, so that a flood in one channel holds up no other.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/inbox.h"

namespace taubenpost {

// Rounds of a channel that has more than one round takes, before what was found is fetched.
inline constexpr unsigned kPollTurns = 16;

// A failed round that belongs to its channel, or passes by itself: the others go on.
constexpr bool is_of_one_channel(Errc code) {
  return code == Errc::kTemporary || code == Errc::kRejected || code == Errc::kStateConflict;
}

// The recipient of a send job whose letter has arrived, as its receipt says.
struct ReceiptSeen {
  JobId job{};
  RecipientIndex recipient;
};

struct PollSummary {
  std::size_t letters = 0;      // new transfers, now receive jobs
  std::size_t held = 0;         // new transfers that wait for their user
  std::size_t refused = 0;      // new transfers that the channel's rules don't take
  std::size_t deferred = 0;     // new transfers that a later round takes
  std::size_t retracted = 0;    // positions that their sender has overwritten
  std::size_t others = 0;       // duplicates, unknown or invalid boxes, recorded and skipped
  std::size_t passed_over = 0;  // positions that are awaited from this round on
  std::size_t lost = 0;         // positions where no box can be there any more: given up
  std::size_t more = 0;         // channels where the round has left off: the next one goes on
  std::vector<ReceiptSeen> receipts{};  // new ones, in a channel of receipts

  PollSummary& operator+=(const PollSummary& other) {
    letters += other.letters;
    held += other.held;
    refused += other.refused;
    deferred += other.deferred;
    retracted += other.retracted;
    others += other.others;
    passed_over += other.passed_over;
    lost += other.lost;
    more += other.more;
    receipts.insert(receipts.end(), other.receipts.begin(), other.receipts.end());
    return *this;
  }
};

// Reads what is in reach of channel.next, and some of the awaited positions. New jobs place their
// files into `folder` (absolute). Boxes that announce nothing never stop the channel. Errors:
// kNotFound (no such channel), kUsage (it is for sending), kDaemonGone, kTemporary (no clear answer
// at channel.next and nothing behind it: nothing was skipped), kRejected, kStateConflict (somebody
// else polls it), store errors.
boost::asio::awaitable<Result<PollSummary>> poll_channel(EnginePorts ports, ChannelId channel,
                                                         std::string folder,
                                                         PlaceOptions place = {});
// The same of a channel of receipts (receipts.h), where nothing becomes a job.
boost::asio::awaitable<Result<PollSummary>> poll_receipt_channel(EnginePorts ports,
                                                                 ChannelId channel);

}  // namespace taubenpost
