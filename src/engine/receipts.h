// Receipts: that a transfer is complete, verified and in its place, told to its sender once.
//
// A receipt is a letter like any other, in a channel of its own (receipt_channels.h): a send job
// with nothing but that letter, stored in the commit that places the transfer. The ordinary steps
// write it, so that it survives every crash; when it is posted or has failed, the history of the
// receive job says so, and the job of the receipt is forgotten. Nobody answers a receipt.
//
// The sender polls these channels while a letter waits for its receipt, and keeps what it says with
// the recipient of the job. What makes no sense there is kept in the inbox, as in every channel.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <optional>
#include <utility>

#include "engine/ports.h"
#include "wire/letter.h"

namespace taubenpost {

inline bool is_receipt(const SendJobRow& job) { return job.receipt_for != JobId{}; }

// ---- who received ----

// Of the job that sends the receipt of a receive job.
JobId receipt_id(JobId receive_job);
// Adds to `step`, which places `placed`: its receipt, if its channel has receipts and it came by a
// letter.
Status add_receipt(EnginePorts& ports, const ReceiveJobRow& placed, ports::Transaction& step);
// The box of such a job.
Bytes receipt_box(const SendJobRow& job);
// Forgets the job of a receipt that is at its end, and says in the history of what it was for how
// that was.
boost::asio::awaitable<Status> forget_receipt(EnginePorts ports, SendJobRow job);

// ---- who sent ----

// The recipients of one channel, by what a receipt names them.
class ReceiptBook {
 public:
  // `store` outlives this; the jobs are read at the first question.
  ReceiptBook(const ports::Store& store, ChannelId receipts) : store_(&store), of_(receipts) {}

  // The recipient whose letter has this id, with the time of the receipt in `received`; nothing if
  // no letter of that id was sent through the channel. `is_known`: there was a receipt before.
  struct Confirmed {
    RecipientRow recipient;
    bool is_known = false;
  };
  Result<std::optional<Confirmed>> confirmed_by(const wire::Receipt& receipt, std::uint64_t now);

 private:
  Status read();

  const ports::Store* store_;
  const ChannelId of_;
  std::optional<std::map<TransferId, std::pair<JobId, RecipientIndex>>> letters_;
};
// Adds to `step`: the recipient has the receipt.
void keep_receipt(ports::Transaction& step, RecipientRow confirmed, std::uint64_t now_ms);

}  // namespace taubenpost
