// taubenpost ping: messages to an echo service and back, with statistics.
#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

#include "base/random.h"
#include "cli/exit_status.h"
#include "cli/raw.h"

namespace taubenpost::cli {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

struct PingArgs : DaemonArgs {
  std::uint32_t count = 3;
  std::string service = "echo";
};

struct Statistics {
  std::uint32_t sent = 0;
  std::vector<std::int64_t> times_ms;

  Json fields() const {
    Json out{{"sent", sent}, {"answered", times_ms.size()}};
    if (times_ms.empty()) return out;
    out["min_ms"] = *std::min_element(times_ms.begin(), times_ms.end());
    out["avg_ms"] = average();
    out["max_ms"] = *std::max_element(times_ms.begin(), times_ms.end());
    return out;
  }
  std::string text() const {
    std::string out =
        std::to_string(sent) + " sent, " + std::to_string(times_ms.size()) + " answered";
    if (times_ms.empty()) return out;
    return out + ", min/avg/max " +
           std::to_string(*std::min_element(times_ms.begin(), times_ms.end())) + "/" +
           std::to_string(average()) + "/" +
           std::to_string(*std::max_element(times_ms.begin(), times_ms.end())) + " ms";
  }

 private:
  std::int64_t average() const {
    std::int64_t sum = 0;
    for (const std::int64_t time : times_ms) sum += time;
    return sum / static_cast<std::int64_t>(times_ms.size());
  }
};

// The time of one message there and back. kInvalid if something else comes back.
Result<milliseconds> ping_once(thin::BlockingClient& client, const DaemonArgs& args,
                               const thin::ServiceId& service) {
  const auto payload = random_array<32>();
  const auto begin = Clock::now();
  const Result<thin::MessageReply> reply = client.send_and_wait(service, payload, limit_of(args));
  if (!reply) return reply.error();
  if (reply->payload.size() < payload.size() ||
      !equal(ByteView(reply->payload).first(payload.size()), payload))
    return error(Errc::kInvalid, "the service sent back something else");
  return std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
}

Result<int> run_ping(Context& context, const PingArgs& args) {
  Result<std::unique_ptr<DaemonClient>> client = connect(context, args);
  if (!client) return client.error();
  const Result<thin::DocumentPtr> document = document_of(**client);
  if (!document) return document.error();
  Statistics statistics;
  std::optional<Error> failure;
  for (std::uint32_t number = 1; number <= args.count; ++number) {
    const Result<thin::ServiceId> service = (*document)->random_service(args.service);
    if (!service) return service.error();
    ++statistics.sent;
    const Result<milliseconds> time = ping_once(**client, args, *service);
    if (!time && time.error().code == Errc::kCancelled) return time.error();
    if (!time) {
      failure = time.error();
      context.out().notice("message " + std::to_string(number) + ": " +
                           printable(time.error().what));
      continue;
    }
    statistics.times_ms.push_back(time->count());
    context.out().result(
        "ping", {{"number", number}, {"time_ms", time->count()}},
        "reply " + std::to_string(number) + " after " + std::to_string(time->count()) + " ms");
  }
  (*client)->close();
  context.out().result("ping_summary", statistics.fields(), statistics.text());
  if (statistics.times_ms.empty()) return *failure;
  return statistics.times_ms.size() == statistics.sent ? kDone : kPartial;
}

}  // namespace

void add_ping(Commands& commands) {
  CLI::App* command =
      commands.root.add_subcommand("ping", "Sends messages to an echo service and back");
  const auto args = on_chosen<PingArgs>(commands, *command, run_ping);
  add_daemon_options(*command, *args);
  command->add_option("--count", args->count, "how many messages (default: 3)")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N");
  command->add_option("--service", args->service, "another service that echoes")
      ->type_name("CAPABILITY");
}

}  // namespace taubenpost::cli
