// taubenpost send: queues a file, an archive of several, or standard input, and with --wait brings
// it to its end.
#include <filesystem>
#include <map>

#include "app/standard_input.h"
#include "app/time_text.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/jobs.h"
#include "engine/end_send.h"
#include "engine/engine.h"
#include "engine/enqueue.h"
#include "engine/forecast.h"

namespace taubenpost::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kExpireMax = 30ULL * 86'400;  // seconds; no box is there any more

struct SendArgs {
  std::vector<std::string> paths;
  std::vector<std::string> to;
  std::string note;
  std::string name;
  int priority = 0;
  std::string not_before;
  std::string deadline;
  std::string key;
  bool allow_expiry_risk = false;
  bool wait = false;
  bool in_place = false;
  std::uint32_t window = 0;
  std::string transport = "copy";
  bool separate_bodies = false;
  std::string commit = "copy";
  std::uint64_t expire = 0;
};

// Absolute, and with a last component that names the source.
Result<std::string> source_of(const std::string& given) {
  std::error_code code;
  fs::path path = fs::absolute(given, code);
  if (!code && path.filename().empty()) path = path.parent_path();
  if (!code && (path.filename() == "." || path.filename() == ".."))
    path = fs::canonical(path, code);
  if (code || given.empty()) return error(Errc::kUsage, "the source is no path");
  return path.string();
}

Way way_of(const std::string& name) { return name == "direct" ? Way::kDirect : Way::kCopy; }

Status read_time(const std::string& text, const char* option, std::uint64_t& time) {
  if (text.empty()) return ok();
  const Result<std::uint64_t> parsed = parse_time(text, unix_now());
  if (!parsed)
    return error(Errc::kUsage, std::string(option) + ": " + parsed.error().what,
                 parsed.error().hint);
  time = *parsed;
  return ok();
}

Result<bool> is_known(const ports::Store& store, const std::string& key) {
  if (key.empty()) return false;
  const Result<std::optional<SendJobRow>> job = job_of_key(store, key);
  if (!job) return job.error();
  return job->has_value();
}

// Exit status of the job that was waited for.
Result<int> end_of(Context& context, const ports::Store& store, const JobId& id,
                   const JobWatch& watch, const Result<RunSummary>& run) {
  Result<SendJobRow> row = store.send_job(id);
  if (!row) return row.error();
  const Result<SendView> job = view_of(store, std::move(row).value());
  if (!job) return job.error();
  const Result<JobWatch::Ended> ended = watch.ended(store);
  if (!ended) return ended.error();
  report_failed(context.out(), *ended);
  if (!has_ended(job->row.state)) {
    if (!run) return run.error();
    report_unfinished(context.out(), store, *ended, unix_now());
    return kUnfinished;
  }
  print(context.out(), *job);
  if (job->row.state == SendState::kPosted) return kDone;
  return is_partly_posted(*job) ? kPartial : kFailed;
}

// Of all but what is to be sent.
Result<SendRequest> request_of(const SendArgs& args) {
  SendRequest request;
  request.to = args.to;
  request.note = args.note;
  request.name = args.name;
  request.priority = args.priority;
  TP_TRY(read_time(args.not_before, "--not-before", request.not_before));
  TP_TRY(read_time(args.deadline, "--deadline", request.deadline));
  request.key = args.key;
  request.allow_expiry_risk = args.allow_expiry_risk;
  request.window = args.window;
  request.transport = way_of(args.transport);
  request.choose_transport = args.transport == "auto";
  request.separate_bodies = args.separate_bodies;
  request.commit = way_of(args.commit);
  request.expire = args.expire;
  request.in_place = args.in_place;
  return request;
}

// The job is in the store when this returns. What was read of an input that did not come to its end
// goes at once.
Result<JobId> queue(Session& session, SendRequest request, const StandardInput* input) {
  Result<JobId> id = session.run(enqueue_send(session.ports(), std::move(request)));
  if (!id && input != nullptr && !input->has_ended())
    static_cast<void>(remove_orphaned_spools(session.ports()));
  return id;
}

void warn_of_ageing(Output& out, const SendView& queued, const std::string& path) {
  if (queued.eta == 0 && is_usually_too_large(size_to_send(queued.row)))
    out.notice(printable(path, 4096) +
               ": at the usual packet a second its first boxes age out before the last are sent; "
               "nothing was measured yet on this network");
}

Result<int> run_send(Context& context, const SendArgs& args) {
  Result<SendRequest> request = request_of(args);
  if (!request) return request.error();
  std::unique_ptr<StandardInput> input;
  for (const std::string& path : args.paths) {
    if (path == "-" && input == nullptr) {
      Result<std::unique_ptr<StandardInput>> opened = StandardInput::open();
      if (!opened) return opened.error();
      input = std::move(opened).value();
      request->input = input.get();
      continue;
    }
    Result<std::string> source = source_of(path);
    if (!source) return source.error();
    request->sources.push_back(std::move(source).value());
  }
  const Result<Session*> opened = context.session();
  if (!opened) return opened.error();
  Session& session = **opened;
  const Result<JobWatch> watch = JobWatch::start(session.store());
  if (!watch) return watch.error();
  const Result<bool> existing = is_known(session.store(), args.key);
  if (!existing) return existing.error();
  const Result<JobId> id = queue(session, std::move(request).value(), input.get());
  if (!id) return id.error();

  Result<SendJobRow> row = session.store().send_job(*id);
  if (!row) return row.error();
  const Result<SendView> queued = view_with_eta(session.store(), std::move(row).value());
  if (!queued) return queued.error();
  if (!*existing) warn_of_ageing(context.out(), *queued, args.paths.front());
  if (*existing)
    context.out().notice("the idempotency key " + printable(args.key) + " has this job already");
  print(context.out(), *queued, *existing);
  const bool is_lost = has_ended(queued->row.state) && queued->row.state != SendState::kPosted;
  if (is_lost) return kFailed;  // the job of the key: nothing goes on by itself
  if (!args.wait) return kDone;

  session.on_tick([&] { show_progress(context.out(), session.store()); });
  Engine engine(session.ports(), EngineOptions{});
  const Result<RunSummary> run = session.run(engine.run_until_ended(*id));
  return end_of(context, session.store(), *id, *watch, run);
}

}  // namespace

void add_send(Commands& commands) {
  CLI::App* command =
      commands.root.add_subcommand("send", "Queues files or folders for recipients");
  const auto args = on_chosen<SendArgs>(commands, *command, run_send);
  command
      ->add_option("PATH", args->paths,
                   "a file; a folder, or several, are sent as one archive; '-': standard input")
      ->required();
  command->add_option("--to", args->to, "channel of a recipient; once for each")
      ->required()
      ->allow_extra_args(false)
      ->type_name("NAME");
  command->add_option("--note", args->note, "a text for the recipients, at most 512 bytes")
      ->type_name("TEXT");
  command->add_option("--window", args->window, "writes of it under way at a time (default: 16)")
      ->check(CLI::Range(1, 16))
      ->type_name("N");
  const CLI::IsMember way({"copy", "direct"});
  command
      ->add_option(
          "--transport", args->transport,
          "how the content is written: by a courier's copy, each box on its own, or by the "
          "faster way")
      ->check(CLI::IsMember({"copy", "direct", "auto"}))
      ->type_name("copy|direct|auto");
  command->add_option("--commit", args->commit, "the same for the letters")
      ->check(way)
      ->type_name("copy|direct");
  command->add_flag("--separate-bodies", args->separate_bodies,
                    "upload the content once for each recipient, so that none can tell another by "
                    "it; a letter that holds it has no body");
  command
      ->add_option("--expire", args->expire,
                   "retract it so long after its letters were decided, as 12h or 3d")
      ->transform(CLI::AsNumberWithUnit(
          std::map<std::string, std::uint64_t>{{"m", 60}, {"h", 3600}, {"d", 86'400}},
          CLI::AsNumberWithUnit::UNIT_REQUIRED))
      ->check(CLI::Range(std::uint64_t{60}, kExpireMax))
      ->type_name("DURATION");
  command->add_option("--name", args->name, "what recipients see (default: that of the first PATH)")
      ->type_name("NAME");
  command
      ->add_option("--priority", args->priority,
                   "-9 (later) to 9 (sooner): each step is worth an hour of waiting")
      ->type_name("N");
  command
      ->add_option("--not-before", args->not_before,
                   "begin at this time: RFC 3339, or from now on as +90m, +12h, +2d")
      ->type_name("TIME");
  command
      ->add_option("--deadline", args->deadline, "fail if the letters are not decided by this time")
      ->type_name("TIME");
  command
      ->add_option("--idempotency-key", args->key,
                   "the same request with the same key is queued only once")
      ->check([](const std::string& key) {  // of an unset variable in a script, perhaps
        return key.empty() ? std::string("is empty") : std::string();
      })
      ->type_name("KEY");
  command->add_flag("--allow-expiry-risk", args->allow_expiry_risk,
                    "queue what may age out before its recipients can fetch it");
  command->add_flag("--in-place", args->in_place,
                    "read the file where it is, until it is posted, instead of copying it first");
  command->add_flag("--wait", args->wait, "stay until it is posted");
}

}  // namespace taubenpost::cli
