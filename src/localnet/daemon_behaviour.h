// The two ways in which the daemon of the local network behaves.
//
// `robust` is what the specification asks of a daemon of ours, `upstream` what the real one was
// seen to do, without its crashes: an input that ends the real process ends one connection, or gets
// an error. Each field is one thing that upstream does and robust does not; nothing else in the
// code tells the two apart. docs/localnet.md has a row for each.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/error.h"

namespace taubenpost::localnet {

struct DaemonBehaviour {
  // 2.1: a connection hears nothing before there is a document, thirty seconds at most; one
  // connection waits after the other, also if its client has gone.
  bool waits_for_document = false;
  // 2.1: documents are pushed from the first frame on, also before the session reply.
  bool pushes_in_handshake = false;
  // 7.1: the keys of a pushed document are in the order of their declaration, not in the canonical
  // one of handshakes.
  bool pushes_declared_order = false;
  // 2.1: what was stored for an absent client comes before the session reply.
  bool stored_replies_first = false;
  // 2.1: what a connection starts before it presents the token of a known session, or asks right
  // behind that token, is answered to nobody. (The real one: every second time.)
  bool loses_early_requests = false;
  // 2.2: until the first link there is said to be one.
  bool hopes_for_link = false;
  // 2.6: replies go to whoever presented the token last. The older connection stays open, and its
  // end takes the replies from the new one until that presents the token again.
  bool replies_follow_token = false;
  // 2.6: sixteen zero bytes are a token like any other.
  bool shares_zero_token = false;
  // 2.7: a client that is away gets nothing sent and no answer. Follow-ups that wait for a slot are
  // dropped, and so is an answer that comes; the operation is dead until it is cancelled.
  bool absence_kills_operations = false;
  // 2.8: the end of the stream follows shutdown_event at once.
  bool ends_without_farewell = false;
  // 1.6, 8.4: a request that does not decode ends the connection.
  bool hangs_up_on_malformed = false;
  // 1.6, 8.14: ids and hashes of a wrong length are filled up with zeros, or cut off.
  bool pads_ids = false;
  // 2.7, 3.0, 3.5, 6.4, 8.5: requests for the mixnet wait unread for their slot. Only there they
  // are checked; no cancel finds them before; they go with their connection; behind more than
  // sixteen of them the connection is not read.
  bool queues_unread = false;
  // 3.5: the index of a read is looked at when the answer is there.
  bool takes_any_read_index = false;
  // 3.11: the payload of a document that is not there is null. (Empty in robust: the published Rust
  // client can't read a null.)
  bool null_without_document = false;
  // 6.4: whoever knows the hash cancels an operation, and gets the owner's last reply.
  bool anybody_cancels = false;
  // 8.12: a start of what runs already runs beside it; when one ends, no cancel finds the other.
  bool runs_every_start = false;
};

inline constexpr DaemonBehaviour kRobustDaemon{};
inline constexpr DaemonBehaviour kUpstreamDaemon{.waits_for_document = true,
                                                 .pushes_in_handshake = true,
                                                 .pushes_declared_order = true,
                                                 .stored_replies_first = true,
                                                 .loses_early_requests = true,
                                                 .hopes_for_link = true,
                                                 .replies_follow_token = true,
                                                 .shares_zero_token = true,
                                                 .absence_kills_operations = true,
                                                 .ends_without_farewell = true,
                                                 .hangs_up_on_malformed = true,
                                                 .pads_ids = true,
                                                 .queues_unread = true,
                                                 .takes_any_read_index = true,
                                                 .null_without_document = true,
                                                 .anybody_cancels = true,
                                                 .runs_every_start = true};

// `robust` or `upstream`; else kUsage.
inline Result<DaemonBehaviour> daemon_behaviour(const std::string& name) {
  if (name == "robust") return kRobustDaemon;
  if (name == "upstream") return kUpstreamDaemon;
  return error(Errc::kUsage, "there is no daemon " + printable(name), "robust or upstream");
}

}  // namespace taubenpost::localnet
