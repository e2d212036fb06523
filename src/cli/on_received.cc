#include "cli/on_received.h"

#include "app/child_process.h"
#include "cli/jobs.h"

namespace taubenpost::cli {
namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds kLook{20};

std::vector<std::string> variables_of(const ReceiveView& job) {
  return {"TAUBENPOST_RECEIVED_ID=" + to_base32(job.row.id),
          "TAUBENPOST_RECEIVED_PATH=" + job.row.target,
          "TAUBENPOST_RECEIVED_NAME=" + job.name,
          "TAUBENPOST_RECEIVED_SIZE=" + std::to_string(job.size),
          "TAUBENPOST_RECEIVED_CHANNEL=" + job.row.channel_name,
          std::string("TAUBENPOST_RECEIVED_VERIFIED=") + (job.is_unverified ? "0" : "1")};
}

bool is_to_be_reported(const ReceiveJobRow& row) {
  return row.state == ReceiveState::kPlaced && !row.on_received.empty() && !row.reported;
}

}  // namespace

asio::awaitable<Status> report_received(EnginePorts ports, JobId id, Output& out) {
  Result<ReceiveJobRow> row = ports.store.receive_job(id);
  if (!row) co_return row.error();
  if (!is_to_be_reported(*row)) co_return ok();
  const ReceiveView job = view_of(*row);
  const Result<ChildProcess> child =
      ChildProcess::start(row->on_received, {row->target}, variables_of(job));
  if (!child) {
    out.notice(printable(row->target, 4096) +
               " is placed; its program could not be started, and "
               "is tried again next time: " +
               child.error().what);
    co_return ok();
  }
  std::optional<std::string> end = child->ended();
  for (; !end; end = child->ended()) co_await ports.clock.sleep(kLook);
  if (!end->empty())
    out.notice(printable(row->target, 4096) + " is placed; its program " +
               printable(row->on_received, 4096) + " " + *end);
  row->reported = true;
  ports::Transaction step;
  step.update(std::move(row).value());
  step.note(id, ports.clock.unix_ms(),
            "the program to run on arrival " + (end->empty() ? "was run" : *end));
  co_return co_await ports.store.commit(std::move(step));
}

asio::awaitable<Status> report_all_received(EnginePorts ports, Output& out) {
  const Result<std::vector<ReceiveJobRow>> jobs = ports.store.receive_job_rows();
  if (!jobs) co_return jobs.error();
  for (const ReceiveJobRow& row : *jobs) {
    if (!is_to_be_reported(row)) continue;
    Status reported = co_await report_received(ports, row.id, out);
    if (!reported) co_return reported;
  }
  co_return ok();
}

}  // namespace taubenpost::cli
