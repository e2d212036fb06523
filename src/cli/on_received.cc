#include "cli/on_received.h"

#include <CLI/CLI.hpp>
#include <map>

#include "app/child_process.h"
#include "cli/jobs.h"

namespace taubenpost::cli {
namespace asio = boost::asio;

namespace {

std::vector<std::string> variables_of(const ReceiveView& job) {
  return {"TAUBENPOST_RECEIVED_ID=" + to_base32(job.row.id),
          "TAUBENPOST_RECEIVED_PATH=" + job.row.target,
          "TAUBENPOST_RECEIVED_NAME=" + job.name,
          "TAUBENPOST_RECEIVED_SIZE=" + std::to_string(job.size),
          "TAUBENPOST_RECEIVED_CHANNEL=" + job.row.channel_name,
          std::string("TAUBENPOST_RECEIVED_VERIFIED=") + (job.is_unverified ? "0" : "1")};
}

constexpr std::uint64_t kTimeoutMax = 30ULL * 86'400;

bool is_to_be_reported(const ReceiveJobRow& row) {
  return row.state == ReceiveState::kPlaced && !row.on_received.empty() && !row.reported;
}

}  // namespace

void add_on_received_timeout(CLI::App& command, OnReceivedArgs& args) {
  command
      .add_option("--on-received-timeout", args.timeout,
                  "the program of --on-received is ended after so long (default: 10m; 0: never)")
      ->transform(CLI::AsNumberWithUnit(
          std::map<std::string, std::uint64_t>{{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86'400}},
          CLI::AsNumberWithUnit::CASE_SENSITIVE, "DURATION"))
      ->check(CLI::Range(std::uint64_t{0}, kTimeoutMax))
      ->envname("TAUBENPOST_ON_RECEIVED_TIMEOUT")
      ->type_name("DURATION");
}

asio::awaitable<Status> report_received(EnginePorts ports, JobId id, OnReceivedArgs args,
                                        Output& out) {
  Result<ReceiveJobRow> row = ports.store.receive_job(id);
  if (!row) co_return row.error();
  if (!is_to_be_reported(*row)) co_return ok();
  const ReceiveView job = view_of(*row);
  Result<ChildProcess> child =
      ChildProcess::start(row->on_received, {row->target}, variables_of(job));
  if (!child) {
    out.notice(printable(row->target, 4096) +
               " is placed; its program could not be started, and "
               "is tried again next time: " +
               child.error().what);
    co_return ok();
  }
  const std::string what = printable(row->target, 4096) + " is placed; its program " +
                           printable(row->on_received, 4096) + " ";
  ChildLimits limits;
  limits.end = std::chrono::seconds(args.timeout);
  const std::string end = co_await wait_for(
      ports.clock, *child, limits, [&] { out.notice(what + "still runs: it is waited for"); });
  if (!end.empty()) out.notice(what + end);
  row->reported = true;
  ports::Transaction step;
  step.update(std::move(row).value());
  step.note(id, ports.clock.unix_ms(),
            "the program to run on arrival " + (end.empty() ? "was run" : end));
  co_return co_await ports.store.commit(std::move(step));
}

asio::awaitable<Status> report_all_received(EnginePorts ports, OnReceivedArgs args, Output& out) {
  const Result<std::vector<ReceiveJobRow>> jobs = ports.store.receive_job_rows();
  if (!jobs) co_return jobs.error();
  for (const ReceiveJobRow& row : *jobs) {
    if (!is_to_be_reported(row)) continue;
    Status reported = co_await report_received(ports, row.id, args, out);
    if (!reported) co_return reported;
  }
  co_return ok();
}

}  // namespace taubenpost::cli
