#include "thin/calls.h"

#include <utility>
#include <vector>

namespace taubenpost::thin {
namespace {

constexpr std::uint32_t kIssuesMax = 2;

}  // namespace

CallId Calls::add(Kind kind, Draft request, Done done) {
  const CallId id = next_++;
  Call call{kind, std::move(request), std::move(done)};
  const auto made = calls_.try_emplace(id, std::move(call)).first;
  if (link_.is_open()) issue(id, made->second);
  return id;
}

void Calls::issue(CallId id, Call& call) {
  queries_.erase(call.query);
  call.query = Draft::fresh_query();
  queries_[call.query] = id;
  link_.send(call.request.frame(call.query), call.query);
  call.is_out = true;
  ++call.issues;
}

void Calls::drop(CallId id) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  if (found->second.is_out) link_.take_back(found->second.query);
  queries_.erase(found->second.query);
  calls_.erase(found);
}

void Calls::end(CallId id, Result<wire::Response> result) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  const Done done = std::move(found->second.done);
  drop(id);
  done(std::move(result));
}

void Calls::on_open() {
  for (auto& [id, call] : calls_)
    if (!call.is_out) issue(id, call);
}

void Calls::on_lost(const std::string& cause) {
  std::vector<CallId> spent;
  for (auto& [id, call] : calls_) {
    call.is_out = false;
    if (call.kind == Kind::kLocal && call.issues >= kIssuesMax) spent.push_back(id);
  }
  for (const CallId id : spent)
    end(id, error(Errc::kDaemonGone, "the connection was lost twice during this call: " + cause));
}

bool Calls::take(const QueryId& query, wire::Response& response) {
  const auto found = queries_.find(query);
  if (found == queries_.end()) return false;
  end(found->second, std::move(response));
  return true;
}

void Calls::fail_all(const Error& reason) {
  while (!calls_.empty()) end(calls_.begin()->first, reason);
}

}  // namespace taubenpost::thin
