// What a client tells without being asked.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "base/bytes.h"
#include "thin/document.h"
#include "thin/results.h"

namespace taubenpost::thin {

// The handshake is complete; `same_state` says that the daemon still had our session.
struct ConnectedEvent {
  bool same_state = false;
};
// The daemon's gateway link changed, or was reported again. A hint (thin-protocol 8.8).
struct StatusEvent {
  bool is_connected = false;
};
// The daemon has a new document (thin-protocol 2.4). Never null.
struct DocumentEvent {
  DocumentPtr document;
};
// The daemon said that it is going down.
struct ShutdownEvent {};
// The connection is lost; the client dials again unless it was closed.
struct DisconnectedEvent {
  bool orderly = false;  // a shutdown event came before
  std::string cause;
};
// A message was written to the gateway, or failed (thin-protocol 4.1); also if the daemon reports
// an error instead of the reply.
struct MessageSentEvent {
  MessageSent sent;
  std::string failure;  // the daemon's text; not empty: no reply will come
};
// A service answered (thin-protocol 4.2); also for messages of before a resumed session.
struct MessageReplyEvent {
  MessageReply reply;
};
// The daemon forgot a message (thin-protocol 4.3); no daemon is known to say so.
struct MessageForgottenEvent {
  Bytes16 id{};
};
// The subscriber was too slow: so many events are lost at this place.
struct MissedEvent {
  std::uint64_t count = 0;
};
using Event =
    std::variant<ConnectedEvent, StatusEvent, DocumentEvent, ShutdownEvent, DisconnectedEvent,
                 MessageSentEvent, MessageReplyEvent, MessageForgottenEvent, MissedEvent>;

}  // namespace taubenpost::thin
