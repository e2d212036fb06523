// taubenpost receive --follow: places what arrives until a signal ends it.
#include <boost/asio/this_coro.hpp>
#include <map>

#include "cli/jobs.h"
#include "cli/on_received.h"
#include "cli/receive.h"
#include "engine/follow.h"

namespace taubenpost::cli {
namespace asio = boost::asio;

namespace {

// Says what happens, each thing once.
class Teller {
 public:
  Teller(EnginePorts ports, OnReceivedArgs reports, Output& out)
      : ports_(ports), reports_(reports), out_(out) {}

  void polled(const PollSummary& found) {
    trouble_.clear();
    notice_what_is_no_job(out_, found);
  }
  void trouble(const Error& failure) {
    if (trouble_ == failure.what) return;
    trouble_ = failure.what;
    out_.notice(failure.what + "; it is tried again");
  }
  void waits(JobId id, const std::string& reason) {
    std::string& told = waits_[id];
    if (told == reason) return;
    told = reason;
    out_.notice("job " + to_base32(id) + " waits: " + printable(reason));
  }
  asio::awaitable<Status> ended(JobId id) {
    Result<ReceiveJobRow> row = ports_.store.receive_job(id);
    if (!row) co_return row.error();
    waits_.erase(id);
    const ReceiveView job = view_of(std::move(row).value());
    if (job.row.state == ReceiveState::kPlaced)
      print_placed(out_, job);
    else
      report_failed(out_, job);
    Status written = out_.finish();  // now, and not at the end
    if (!written) co_return written;
    co_return co_await report_received(ports_, id, reports_, out_);
  }

 private:
  EnginePorts ports_;
  const OnReceivedArgs reports_;
  Output& out_;
  std::string trouble_;
  std::map<JobId, std::string> waits_;
};

asio::awaitable<Result<Unit>> follow(EnginePorts ports, std::vector<ChannelId> channels,
                                     std::string folder, PlaceOptions place, OnReceivedArgs reports,
                                     Output& out) {
  TP_CO_TRY(co_await report_all_received(ports, reports, out));
  Teller teller(ports, reports, out);
  FollowEvents events;
  events.polled = [&teller](const PollSummary& found) { teller.polled(found); };
  events.trouble = [&teller](const Error& failure) { teller.trouble(failure); };
  events.waits = [&teller](JobId id, const std::string& reason) { teller.waits(id, reason); };
  events.ended = [&teller](JobId id) { return teller.ended(id); };
  const auto executor = co_await asio::this_coro::executor;
  Follow following(ports, EngineOptions{}, std::move(channels), std::move(folder), std::move(place),
                   std::move(events), executor);
  co_return co_await following.run();
}

}  // namespace

Result<int> receive_and_follow(Context& context, const ReceiveArgs& args) {
  const Result<Receiving> receiving = begin_receiving(context, args);
  if (!receiving) return receiving.error();
  Session& session = *receiving->session;
  TP_TRY(session.run(take_verified(session.ports(), receiving->inlets)));
  std::vector<ChannelId> ids;
  for (const ChannelRow& channel : receiving->channels) ids.push_back(channel.id);
  const Result<Unit> end = session.run(follow(session.ports(), std::move(ids), receiving->folder,
                                              receiving->place, args.reports, context.out()));
  return end.error();  // it has no other end
}

}  // namespace taubenpost::cli
