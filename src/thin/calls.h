// Local calls and cancels that wait for their reply, in the order in which they were made.
//
// A call that finds no connection waits for one. A call whose connection was lost is issued once
// more with a fresh query id (local calls have no side effects, thin-protocol 6.9), then fails: it
// may be the reason (thin-protocol 8.4). Cancels are repeated until they are answered.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>

#include "base/error.h"
#include "thin/draft.h"
#include "thin/link.h"
#include "thin/wait.h"
#include "wire/frame.h"

namespace taubenpost::thin {

using CallId = std::uint64_t;

class Calls {
 public:
  // Runs at most once, from the link's coroutine or from the caller of add(); must not wait.
  using Done = std::function<void(Result<wire::Response>)>;
  enum class Kind : std::uint8_t { kLocal, kCancel };

  explicit Calls(Link& link) : link_(link) {}  // `link` outlives this

  // Issues the call now or when the connection is back.
  CallId add(Kind kind, Draft request, Done done);
  // Forgets a call: it is not sent if that can be helped, and its reply is ignored.
  void drop(CallId id);

  void on_open();
  void on_lost(const std::string& cause);
  // Takes the reply if it belongs to a call.
  bool take(const QueryId& query, wire::Response& response);
  // Ends all calls.
  void fail_all(const Error& reason);

 private:
  struct Call {
    Kind kind;
    Draft request;
    Done done;
    QueryId query{};
    bool is_out = false;  // issued on the connection that is open
    std::uint32_t issues = 0;
  };
  void issue(CallId id, Call& call);
  void end(CallId id, Result<wire::Response> result);

  Link& link_;
  std::map<CallId, Call> calls_;
  std::map<QueryId, CallId> queries_;
  CallId next_ = 1;
};

}  // namespace taubenpost::thin
