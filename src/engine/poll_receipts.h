// Polling for receipts (receipts.h), as long as some may come.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <vector>

#include "engine/poll.h"
#include "engine/ports.h"

namespace taubenpost {

struct ReceiptRound {
  std::vector<ReceiptSeen> seen;
  std::size_t others = 0;          // boxes that held no new receipt
  std::optional<Error> no_answer;  // of some channel: the others were polled
};
// One round over every channel of receipts where one may still come: needs no network if there is
// none. Errors: of connect_to_network(), of the store.
boost::asio::awaitable<Result<ReceiptRound>> poll_receipts(EnginePorts ports);

}  // namespace taubenpost
