// taubenpost receive -o FILE: one transfer into that file, or to standard output.
//
// It is fetched and checked like any other, into a part file in the folder of FILE (for standard
// output in the state directory): nobody sees a byte of it before its digest is right.
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>

#include "app/state_dir.h"
#include "app/time_text.h"
#include "cli/exit_status.h"
#include "cli/inbox_view.h"
#include "cli/jobs.h"
#include "cli/on_received.h"
#include "cli/receive.h"
#include "engine/receive_runs.h"
#include "files/disk.h"

namespace taubenpost::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPiece = 256 << 10;

// Where the transfer goes: `file` is its path, or empty for standard output.
struct Place {
  std::string folder, file;
  PlaceOptions options;

  // Of the placed file; one for standard output waits there until all of it is written.
  std::string target(JobId job, const std::string& job_folder) const {
    return file.empty() ? job_folder + "/" + output_prefix(job) + ".output" : file;
  }
  // Whether the job is placed, and its file was not written to standard output in full.
  bool is_to_be_written(const ReceiveJobRow& job) const {
    std::error_code code;
    return file.empty() && job.state == ReceiveState::kPlaced &&
           job.target == target(job.id, job.folder) && fs::exists(job.target, code);
  }
};

Result<Place> place_of(const Context& context, const ReceiveArgs& args) {
  Place place;
  place.options.if_exists = IfExists::kFail;
  if (args.output == "-") {
    const Result<std::string> state = context.state_dir();
    if (!state) return state.error();
    place.folder = output_folder(*state);
    Disk disk;
    TP_TRY(disk.make_folder(place.folder));
    return place;
  }
  place.file = absolute_path(args.output);
  place.folder = fs::path(place.file).parent_path();
  Result<PlaceOptions> options = args.options();
  if (!options) return options.error();
  place.options.on_received = std::move(options->on_received);
  if (options->if_exists == IfExists::kReplace) place.options.if_exists = IfExists::kReplace;
  TP_TRY(can_be_target(place.file, place.options.if_exists));
  return place;
}

// What could be meant: a row of the inbox, or a job that is not at its end; by name, also one that
// failed.
struct Choice {
  std::optional<EntryView> entry;
  std::optional<ReceiveView> job;

  JobId id() const { return job ? job->row.id : entry_id(entry->row.channel, entry->row.counter); }
};

Result<std::vector<Choice>> choices(const ports::Store& store, const ReceiveArgs& args,
                                    const Place& place) {
  std::vector<Choice> found;
  Result<std::vector<EntryView>> all = entries(store, args.from);
  if (!all) return all.error();
  for (EntryView& entry : all.value()) {
    const bool waits = !entry.row.discarded && (entry.row.kind == InboxKind::kHeld ||
                                                entry.row.kind == InboxKind::kDeferred);
    if (waits) found.push_back({std::move(entry), {}});
  }
  Result<std::vector<ReceiveJobRow>> jobs = store.receive_job_rows();
  if (!jobs) return jobs.error();
  for (ReceiveJobRow& row : jobs.value()) {
    const bool is_open = !has_ended(row.state) || row.state == ReceiveState::kVerified;
    if ((is_open || place.is_to_be_written(row)) &&
        (args.from.empty() || row.channel_name == args.from))
      found.push_back({{}, view_of(std::move(row))});
  }
  return found;
}

Result<Choice> named_by(const ports::Store& store, const std::string& id, const Place& place) {
  Result<EntryView> entry = find_entry(store, id);
  if (entry) return Choice{std::move(entry).value(), {}};
  if (entry.error().code != Errc::kNotFound) return entry.error();
  Result<JobView> job = find_job(store, id);
  if (!job) return job.error();
  auto* receive = std::get_if<ReceiveView>(&job.value());
  if (receive == nullptr ||
      (receive->row.state == ReceiveState::kPlaced && !place.is_to_be_written(receive->row)))
    return error(Errc::kRefused, "job " + printable(id) + " is not to be received any more",
                 "'taubenpost show " + printable(id) + "' says where it is");
  return Choice{{}, std::move(*receive)};
}

Result<Choice> choose(const ports::Store& store, const ReceiveArgs& args, const Place& place) {
  if (!args.id.empty()) return named_by(store, args.id, place);
  Result<std::vector<Choice>> all = choices(store, args, place);
  if (!all) return all.error();
  if (all->empty()) return error(Errc::kNothingToDo, "nothing new");
  if (all->size() > 1)
    return error(Errc::kRefused,
                 std::to_string(all->size()) + " transfers could be meant: name one by its ID",
                 "'taubenpost inbox list' and 'taubenpost list' show them");
  return std::move(all->front());
}

// What is fetched already is used, for standard output where it is.
boost::asio::awaitable<Result<JobId>> take_job(EnginePorts ports, ReceiveJobRow row, Place place) {
  const JobId id = row.id;
  const bool is_fetched =
      row.state == ReceiveState::kChecking || row.state == ReceiveState::kVerified;
  std::string folder = place.file.empty() && is_fetched ? row.folder : place.folder;
  place.options.target = place.target(id, folder);
  Status taken = co_await receive_elsewhere(ports, std::move(row), std::move(folder),
                                            std::move(place.options));
  if (!taken) co_return taken.error();
  co_return id;
}

Status write_all(const Bytes& bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t written = ::write(STDOUT_FILENO, bytes.data() + at, bytes.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return file_error("write", "standard output", errno);
    at += static_cast<std::size_t>(written);
  }
  return ok();
}

// The file goes once all of it is written; otherwise it stays, and can be written again.
Status pour_out(JobId job, const std::string& path) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that goes away is an error like any other
  Disk disk;
  Result<FileHandle> file = disk.open(path, OpenHow::kRead);
  if (!file) return file.error();
  for (std::uint64_t at = 0;;) {
    const Result<Bytes> piece = disk.read_at(*file, at, kPiece);
    if (!piece) return piece.error();
    if (piece->empty()) break;
    at += piece->size();
    const Status written = write_all(*piece);
    if (!written)
      return error(written.error().code, written.error().what,
                   "'taubenpost receive -o - " + to_base32(job) + "' writes it again");
  }
  const Result<bool> removed = disk.unlink(path);
  if (!removed) return removed.error();
  return ok();
}

Result<int> end_of(Context& context, Session& session, const JobId& id, const Place& place,
                   OnReceivedArgs reports) {
  Result<ReceiveJobRow> row = session.store().receive_job(id);
  if (!row) return row.error();
  const ReceiveView job = view_of(std::move(row).value());
  if (job.row.state == ReceiveState::kFailed) {
    report_failed(context.out(), job);
    return kFailed;
  }
  if (job.row.state != ReceiveState::kPlaced) {
    JobWatch::Ended ended;
    ended.unfinished.emplace_back(job);
    report_unfinished(context.out(), session.store(), ended, unix_now());
    return kUnfinished;
  }
  if (place.file.empty()) {
    TP_TRY(pour_out(id, job.row.target));
    return kDone;
  }
  print_placed(context.out(), job);
  TP_TRY(session.run(report_received(session.ports(), id, reports, context.out())));
  return kDone;
}

Result<JobId> take(Session& session, const Choice& chosen, Place place) {
  if (chosen.job) return session.run(take_job(session.ports(), chosen.job->row, place));
  const InboxRow& row = chosen.entry->row;
  place.options.target = place.target(chosen.id(), place.folder);
  return session.run(
      accept_entry(session.ports(), row.channel, row.counter, place.folder, place.options));
}

}  // namespace

std::string output_folder(const std::string& state_dir) { return state_dir + "/output"; }

std::string output_prefix(const JobId& job) { return std::string(kOutputPrefix) + to_base32(job); }

Result<int> receive_into(Context& context, const ReceiveArgs& args) {
  if (args.output == "-" && context.out().is_json())
    return error(Errc::kUsage, "-o - and --json: standard output can't have both");
  const Result<Session*> opened = context.session();
  if (!opened) return opened.error();
  Session& session = **opened;
  const Result<Place> place = place_of(context, args);
  if (!place) return place.error();
  session.on_tick([&] { show_progress(context.out(), session.store()); });
  std::optional<Error> no_answer;
  PollSummary found;
  if (args.id.empty()) {
    const Result<std::vector<ChannelRow>> channels = channels_to_poll(session.store(), args.from);
    if (!channels) return channels.error();
    PlaceOptions later;
    later.defer = true;
    std::vector<Inlet> inlets;
    for (const ChannelRow& channel : *channels)
      inlets.push_back({channel.id, place->folder, later});
    const Result<Round> round = session.run(poll_all(session.ports(), std::move(inlets)));
    if (!round) return round.error();
    no_answer = round->no_answer;
    found = round->found;
    found.deferred = 0;  // by us
    notice_what_is_no_job(context.out(), found);
  }
  const Result<Choice> chosen = choose(session.store(), args, *place);
  const bool nothing = !chosen && chosen.error().code == Errc::kNothingToDo;
  if (nothing) return no_answer ? *no_answer : nothing_new(found);
  if (!chosen) return chosen.error();
  if (chosen->job && place->is_to_be_written(chosen->job->row))
    return end_of(context, session, chosen->id(), *place, args.reports);
  const Result<JobId> id = take(session, *chosen, *place);
  if (!id) return id.error();
  const Result<Unit> run =
      session.run(run_receives(session.ports(), EngineOptions{}, std::vector{*id}, ReceiveGoal{}));
  if (!run) return run.error();
  return end_of(context, session, *id, *place, args.reports);
}

}  // namespace taubenpost::cli
