// taubenpost list, show, pause, resume, priority, cancel, retract, retry, share
#include "app/time_text.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/jobs.h"
#include "cli/retry_receive.h"
#include "engine/end_send.h"
#include "engine/held.h"
#include "engine/retract_send.h"
#include "engine/retry_send.h"
#include "engine/share_send.h"
#include "engine/steer_send.h"

namespace taubenpost::cli {
namespace {

struct ListArgs {
  bool receipts = false;
};
struct JobArgs {
  std::string id;
};
struct CancelArgs : JobArgs {
  bool retract = false;
};
struct RetractArgs : JobArgs {
  bool direct = false;
};
struct RetryArgs {
  std::string id;
  bool restart = false;
  RetryPlaceArgs place;
};
struct ShareArgs {
  std::string id;
  std::vector<std::string> to;
};
struct PriorityArgs {
  std::string id;
  int priority = 0;
};

Result<int> run_list(Context& context, const ListArgs& args) {
  const Result<Session*> session = context.session();
  if (!session) return session.error();
  const Result<std::vector<JobView>> jobs = all_jobs((*session)->store());
  if (!jobs) return jobs.error();
  for (const JobView& job : *jobs)
    if (args.receipts || !sends_receipt(job))
      std::visit([&](const auto& view) { print(context.out(), view); }, job);
  return kDone;
}

bool is_time(std::string_view key) {
  return key == "created" || key == "finished" || key == "not_before" || key == "deadline" ||
         key == "eta";
}

std::string text_of(const Json& job) {
  std::string text;
  for (const auto& [key, value] : job.items()) {
    if (value.is_null() || value.is_object() || value.is_array()) continue;
    if (is_time(key)) {
      if (value != 0) text += key + ": " + utc(value.get<std::uint64_t>()) + "\n";
      continue;
    }
    text += key + ": " +
            (value.is_string() ? printable(value.get<std::string>(), 4096) : value.dump()) + "\n";
  }
  for (const Json& recipient : job.value("recipients", Json::array())) {
    text += "to " + printable(recipient["channel"].get<std::string>()) + ": " +
            recipient["state"].get<std::string>();
    if (recipient.contains("position")) text += " at position " + recipient["position"].dump();
    if (recipient.contains("index")) text += ", index " + recipient["index"].get<std::string>();
    if (recipient.contains("received"))
      text += ", received " + utc(recipient["received"].get<std::uint64_t>());
    if (recipient.contains("error"))
      text += " (" + printable(recipient["error"].get<std::string>()) + ")";
    text += "\n";
  }
  const Json retract = job.value("retract", Json());
  if (!retract.is_null()) {
    text += "retraction: " + retract["state"].get<std::string>() + ", " +
            retract["boxes_done"].dump() + " of " + retract["boxes"].dump() + " boxes\n";
    for (const Json& channel : retract["may_have_seen"])
      text += "may have been seen by: " + printable(channel.get<std::string>()) + "\n";
    if (!retract["error"].is_null())
      text += "not retracted: " + printable(retract["error"]["what"].get<std::string>()) + "\n";
  }
  if (!job["error"].is_null())
    text += "error: " + printable(job["error"]["what"].get<std::string>()) + "\n";
  return text;
}

Result<int> run_show(Context& context, const JobArgs& args) {
  const Result<Session*> session = context.session();
  if (!session) return session.error();
  const Result<JobView> job = find_job((*session)->store(), args.id);
  if (!job) return job.error();
  const Json json = std::visit([](const auto& view) { return view.json(); }, *job);
  const JobId id = std::visit([](const auto& view) { return view.row.id; }, *job);
  const Result<std::vector<JournalRow>> journal = (*session)->store().journal(id);
  if (!journal) return journal.error();
  Json history = Json::array();
  std::string text = text_of(json);
  for (const JournalRow& entry : *journal) {
    history.push_back({{"time_ms", entry.time_ms}, {"text", entry.text}});
    text += utc(entry.time_ms / 1000) + ": " + printable(entry.text) + "\n";
  }
  text.pop_back();  // the output ends the line
  Json object = json;
  object["history"] = std::move(history);
  const bool is_send = std::holds_alternative<SendView>(*job);
  context.out().result(is_send ? "send_job" : "receive_job", object, text);
  return kDone;
}

// `verb`: what can't be done to jobs that receive.
Result<JobId> send_job_id(const ports::Store& store, const std::string& prefix,
                          std::string_view verb) {
  const Result<JobView> job = find_job(store, prefix);
  if (!job) return job.error();
  const auto* send = std::get_if<SendView>(&*job);
  if (send == nullptr)
    return error(Errc::kUsage, "only jobs that send can be " + std::string(verb) + " yet",
                 "'taubenpost list' shows which do");
  if (sends_receipt(*job))
    return error(Errc::kUsage, "a receipt can't be " + std::string(verb),
                 "'taubenpost channel set NAME --no-receipts' sends no more of them");
  return send->row.id;
}

Result<int> print_send_job(Context& context, const ports::Store& store, JobId id) {
  Result<SendJobRow> row = store.send_job(id);
  if (!row) return row.error();
  const Result<SendView> view = view_of(store, std::move(row).value());
  if (!view) return view.error();
  view->retraction ? print_retraction(context.out(), *view) : print(context.out(), *view);
  return kDone;
}

// Has `change` done to a send job, and prints what it is then.
template <class Change>
Result<int> steer(Context& context, const std::string& prefix, std::string_view verb, Change change,
                  Reserve reserve = Reserve::kKeep) {
  const Result<Session*> opened = context.session(reserve);
  if (!opened) return opened.error();
  Session& session = **opened;
  const Result<JobId> id = send_job_id(session.store(), prefix, verb);
  if (!id) return id.error();
  const Status changed = session.run(change(session.ports(), *id));
  if (!changed) return changed.error();
  return print_send_job(context, session.store(), *id);
}

Result<int> run_cancel(Context& context, const CancelArgs& args) {
  const CancelKind kind = args.retract ? CancelKind::kAndRetract : CancelKind::kStop;
  Result<std::string> held = std::string();
  const auto change = [&](EnginePorts ports, JobId id) {
    const Result<SendJobRow> row = ports.store.send_job(id);
    if (row) held = held_reason(ports.store, *row);
    return cancel_send(ports, id, kind);
  };
  const Result<int> status = steer(context, args.id, "cancelled", change, Reserve::kUse);
  if (status && held && !held->empty())
    context.out().notice(*held + ": what was posted since the backup stays in the network");
  return status;
}
Result<int> run_retract(Context& context, const RetractArgs& args) {
  const Way way = args.direct ? Way::kDirect : Way::kCopy;
  return steer(context, args.id, "retracted",
               [way](EnginePorts ports, JobId id) { return retract_send(ports, id, way); });
}
Result<int> run_pause(Context& context, const JobArgs& args) {
  return steer(context, args.id, "paused", pause_send);
}
Result<int> run_resume(Context& context, const JobArgs& args) {
  return steer(context, args.id, "resumed", resume_send);
}
Result<int> run_priority(Context& context, const PriorityArgs& args) {
  return steer(context, args.id, "moved in the queue", [&args](EnginePorts ports, JobId id) {
    return set_priority(ports, id, args.priority);
  });
}

Result<int> restart(Context& context, const std::string& prefix) {
  const Result<Session*> opened = context.session();
  if (!opened) return opened.error();
  Session& session = **opened;
  const Result<JobId> id = send_job_id(session.store(), prefix, "sent anew");
  if (!id) return id.error();
  const Result<Restarted> restarted = session.run(restart_send(session.ports(), *id));
  if (!restarted) return restarted.error();
  for (const std::string& name : restarted->left_out)
    context.out().notice(printable(name) + " has it already, and is left out");
  return print_send_job(context, session.store(), restarted->job);
}

Result<int> run_retry(Context& context, const RetryArgs& args) {
  if (args.restart) return restart(context, args.id);
  const Result<Session*> session = context.session();
  if (!session) return session.error();
  const Result<JobView> job = find_job((*session)->store(), args.id);
  if (!job) return job.error();
  if (const auto* receive = std::get_if<ReceiveView>(&*job))
    return retry_receive(context, *receive, args.place);
  if (!args.place.is_empty())
    return error(Errc::kUsage, "job " + printable(args.id) + " is not received but sent",
                 "leave out --into, --if-exists and -o");
  return steer(context, args.id, "tried again", retry_send);
}

Result<int> run_share(Context& context, const ShareArgs& args) {
  return steer(context, args.id, "shared",
               [&args](EnginePorts ports, JobId id) { return share_send(ports, id, args.to); });
}

}  // namespace

void add_list(Commands& commands) {
  CLI::App* command = commands.root.add_subcommand("list", "Lists all jobs");
  const auto args = on_chosen<ListArgs>(commands, *command, run_list);
  command->add_flag("--receipts", args->receipts, "also the receipts that are on their way");
}

// A command that does something to one job.
template <class Args>
auto add_for_job(Commands& commands, const char* name, const char* help,
                 Result<int> (*run)(Context&, const Args&)) {
  CLI::App* command = commands.root.add_subcommand(name, help);
  const auto args = on_chosen<Args>(commands, *command, run);
  command->add_option("ID", args->id, "the job, or six or more of its first characters")
      ->required();
  return std::pair(command, args);
}

void add_steering(Commands& commands) {
  const auto [cancel, kind] =
      add_for_job(commands, "cancel", "Stops a job, and retracts its letters", run_cancel);
  cancel->add_flag("--retract", kind->retract, "also delete what was copied of the content");
  add_for_job(commands, "pause", "Holds a job until it is resumed", run_pause);
  add_for_job(commands, "resume", "Lets a paused job go on", run_resume);
  const auto [retract, way] =
      add_for_job(commands, "retract", "Calls a transfer back: deletes its letters and its content",
                  run_retract);
  retract->add_flag("--direct", way->direct, "delete box by box, without copy commands");
  const auto [move, place] =
      add_for_job(commands, "priority", "Moves a job in the queue", run_priority);
  move->add_option("N", place->priority, "-9 (later) to 9 (sooner)")->required();
}

void add_again(Commands& commands) {
  const auto [retry, again] =
      add_for_job(commands, "retry", "Goes on with a job that failed", run_retry);
  retry->add_flag("--restart", again->restart,
                  "send the file anew, as it is now, to whoever has not got it");
  add_retry_place_options(*retry, again->place);

  const auto [share, more] =
      add_for_job(commands, "share", "Lets others have what is posted", run_share);
  share->add_option("--to", more->to, "channel of a recipient; once for each")
      ->required()
      ->allow_extra_args(false)
      ->type_name("NAME");
}

void add_show(Commands& commands) {
  CLI::App* command = commands.root.add_subcommand("show", "Shows one job with its history");
  const auto args = on_chosen<JobArgs>(commands, *command, run_show);
  command->add_option("ID", args->id, "id of the job, or six or more of its first characters")
      ->required();
}

}  // namespace taubenpost::cli
