// taubenpost raw services, send, events; and `taubenpost raw` itself.
#include <CLI/CLI.hpp>

#include "cli/exit_status.h"
#include "cli/raw.h"
#include "cli/raw_commands.h"

namespace taubenpost::cli {
namespace {

struct ServicesArgs : DaemonArgs {
  std::string capability;
};
struct SendArgs : DaemonArgs {
  std::string capability;
  bool no_wait = false;
};
struct EventsArgs : DaemonArgs {
  std::uint64_t count = 0;  // 0: until a signal
};

Result<int> run_services(Context& context, const ServicesArgs& args) {
  Result<std::unique_ptr<DaemonClient>> client = connect(context, args);
  if (!client) return client.error();
  const Result<thin::DocumentPtr> document = document_of(**client);
  if (!document) return document.error();
  (*client)->close();
  std::size_t shown = 0;
  for (const wire::PkiService& service : (*document)->content().services) {
    if (!args.capability.empty() && service.capability != args.capability) continue;
    const std::string hash = to_hex(thin::to_destination(service).identity_hash);
    const std::string capability = printable(service.capability);
    const std::string endpoint = printable(service.endpoint), node = printable(service.node);
    context.out().result("service",
                         {{"capability", capability},
                          {"endpoint", endpoint},
                          {"node", node},
                          {"identity_hash", hash}},
                         capability + "\t" + endpoint + "\t" + node + "\t" + hash);
    ++shown;
  }
  if (shown == 0)
    return error(Errc::kNotFound,
                 "nobody offers " + (args.capability.empty() ? std::string("a service")
                                                             : printable(args.capability)));
  return kDone;
}

Result<int> run_send(Context& context, const SendArgs& args) {
  const Result<Bytes> payload = read_input();
  if (!payload) return payload.error();
  Result<std::unique_ptr<DaemonClient>> client = connect(context, args);
  if (!client) return client.error();
  const Result<thin::DocumentPtr> document = document_of(**client);
  if (!document) return document.error();
  const Result<thin::ServiceId> service = (*document)->random_service(args.capability);
  if (!service) return service.error();
  const auto longest =
      static_cast<std::size_t>((*client)->sphinx_geometry()->user_forward_payload_length);
  TP_TRY(fits(*payload, longest));
  if (args.no_wait) {
    const Result<thin::MessageSent> sent =
        (*client)->send_message(*service, *payload, limit_of(args));
    if (!sent) return sent.error();
    (*client)->close();
    context.out().result(
        "raw_send",
        {{"id", to_hex(sent->id)}, {"reply_eta_ms", sent->reply_eta.count() / 1'000'000}}, "sent");
    return kDone;
  }
  const Result<thin::MessageReply> reply =
      (*client)->send_and_wait(*service, *payload, limit_of(args));
  if (!reply) return reply.error();
  (*client)->close();
  if (!context.out().is_json()) {
    TP_TRY(write_output(reply->payload));
    return kDone;
  }
  context.out().result("raw_reply",
                       {{"id", to_hex(reply->id)}, {"data", to_base64(reply->payload)}}, "");
  return kDone;
}

struct Line {
  const char* type;
  Json fields;
  std::string text;
};

Line line_of(const thin::ConnectedEvent& event) {
  return {"connected",
          {{"same_state", event.same_state}},
          event.same_state ? "connected, the session was kept" : "connected"};
}
Line line_of(const thin::StatusEvent& event) {
  return {"status",
          {{"is_connected", event.is_connected}},
          event.is_connected ? "the daemon has a gateway" : "the daemon has no gateway"};
}
Line line_of(const thin::DocumentEvent& event) {
  const std::uint64_t epoch = event.document->epoch();
  return {"document", {{"epoch", epoch}}, "document of epoch " + std::to_string(epoch)};
}
Line line_of(const thin::ShutdownEvent&) { return {"shutdown", Json::object(), "the daemon ends"}; }
Line line_of(const thin::DisconnectedEvent& event) {
  const std::string cause = printable(event.cause);
  return {"disconnected", {{"orderly", event.orderly}, {"cause", cause}}, "disconnected: " + cause};
}
Line line_of(const thin::MessageSentEvent& event) {
  const std::string failure = printable(event.failure);
  return {"message_sent",
          {{"id", to_hex(event.sent.id)}, {"failure", failure}},
          failure.empty() ? "message sent" : "message not sent: " + failure};
}
Line line_of(const thin::MessageReplyEvent& event) {
  const std::size_t size = event.reply.payload.size();
  return {"message_reply",
          {{"id", to_hex(event.reply.id)}, {"bytes", size}},
          "reply of " + std::to_string(size) + " bytes"};
}
Line line_of(const thin::MessageForgottenEvent& event) {
  return {"message_forgotten", {{"id", to_hex(event.id)}}, "message forgotten"};
}
Line line_of(const thin::MissedEvent& event) {
  return {"missed", {{"count", event.count}}, std::to_string(event.count) + " events missed"};
}

// The connection's own life is what is shown: a daemon that goes away is an event too.
Result<int> run_events(Context& context, const EventsArgs& args) {
  Result<std::unique_ptr<DaemonClient>> client = connect(context, args);
  if (!client) return client.error();
  thin::BlockingSubscription events = (*client)->subscribe();
  const bool is_connected = (*client)->is_connected();
  const auto show = [&context](const Line& line) {
    Json fields{{"event", line.type}};
    fields.update(line.fields);
    context.out().result("event", fields, line.text);
  };
  show(line_of(thin::StatusEvent{is_connected}));
  const thin::Limit limit = args.timeout == 0 ? thin::Limit::max() : limit_of(args);
  for (std::uint64_t shown = 1; args.count == 0 || shown < args.count; ++shown) {
    const Result<thin::Event> event = events.next(limit);
    if (!event) return event.error();
    show(std::visit([](const auto& kind) { return line_of(kind); }, *event));
  }
  (*client)->close();
  return kDone;
}

}  // namespace

void add_range_options(CLI::App& command, std::uint32_t& count, bool& from_first) {
  command.add_option("--count", count, "how many boxes (default: 1)")
      ->check(CLI::Range(1, 1'000))
      ->type_name("N");
  command.add_flag("--from-first", from_first, "from the first box of the sequence on");
}

void add_raw_services(Commands& commands, CLI::App& raw) {
  CLI::App* services = raw.add_subcommand("services", "Lists the services of the network");
  const auto listed = on_chosen<ServicesArgs>(commands, *services, run_services);
  add_daemon_options(*services, *listed);
  services->add_option("CAPABILITY", listed->capability, "only those that offer this");

  CLI::App* send = raw.add_subcommand("send", "Sends standard input to a service");
  const auto sent = on_chosen<SendArgs>(commands, *send, run_send);
  add_daemon_options(*send, *sent);
  send->add_option("CAPABILITY", sent->capability, "one that offers this is chosen by chance")
      ->required();
  send->add_flag("--no-wait", sent->no_wait, "do not wait for the reply");

  CLI::App* events = raw.add_subcommand("events", "Shows what the daemon tells by itself");
  const auto watched = on_chosen<EventsArgs>(commands, *events, run_events);
  add_daemon_options(*events, *watched);
  events->add_option("--count", watched->count, "end after so many events")->type_name("N");
}

void add_raw(Commands& commands) {
  CLI::App* raw = commands.root.add_subcommand(
      "raw", "The daemon's protocol by hand: one command for each task of docs/howto.md");
  raw->fallthrough();
  raw->require_subcommand(1);
  add_raw_boxes(commands, *raw);
  add_raw_copies(commands, *raw);
  add_raw_services(commands, *raw);
}

}  // namespace taubenpost::cli
