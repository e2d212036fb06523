#include "cli/jobs.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "app/time_text.h"
#include "engine/bodies.h"
#include "engine/forecast.h"
#include "engine/held.h"
#include "engine/receipts.h"
#include "wire/letter.h"

namespace taubenpost::cli {
namespace {

constexpr std::size_t kPrefixMin = 6;
constexpr std::size_t kShownId = 8;  // of an id, in lines about progress and failures
constexpr std::size_t kPathShown = 4096;

std::string short_id(const JobId& id) { return to_base32(id).substr(0, kShownId); }

JobId id_of(const JobView& job) {
  return std::visit([](const auto& view) { return view.row.id; }, job);
}

bool has_ended(const JobView& job) {
  return std::visit([](const auto& view) { return view.has_ended(); }, job);
}

bool is_called_back(const JobView& job) {
  const auto* send = std::get_if<SendView>(&job);
  return send != nullptr && send->retraction;
}

Json error_json(std::uint16_t code, const std::string& text) {
  if (code == 0) return nullptr;
  return {{"code", code}, {"what", text}};
}

std::string boxes_text(std::uint64_t done, std::uint64_t all) {
  if (all == 0) return "";
  return ", " + std::to_string(done) + " of " + std::to_string(all) + " boxes";
}

std::string channels_of(const std::vector<RecipientRow>& recipients) {
  std::string all;
  for (const RecipientRow& recipient : recipients)
    all += (all.empty() ? "" : ", ") + printable(recipient.channel_name);
  return all;
}

std::string channels_and_receipts_of(std::vector<RecipientRow> recipients) {
  for (RecipientRow& recipient : recipients)
    if (recipient.received != 0)
      recipient.channel_name += " (received " + utc(recipient.received) + ")";
  return channels_of(recipients);
}

// Until a job is planned it may be open how it uploads.
std::string_view transport_of(const SendJobRow& row) {
  return row.chooses_transport && row.plan.box_max == 0 ? "auto" : name_of(row.transport);
}

// Jobs whose retraction is not at its end.
Result<std::set<JobId>> open_retractions(const ports::Store& store) {
  const Result<std::vector<RetractJobRow>> rows = store.retract_job_rows();
  if (!rows) return rows.error();
  std::set<JobId> open;
  for (const RetractJobRow& row : *rows)
    if (!taubenpost::has_ended(row.state)) open.insert(row.job);
  return open;
}

Result<SendView> view_of(const ports::Store& store, const HeldJobs& held, SendJobRow row,
                         std::vector<RecipientRow> recipients,
                         std::optional<RetractJobRow> retraction) {
  SendView view;
  view.recipients = std::move(recipients);
  view.retraction = std::move(retraction);
  if (view.retraction) {
    const Result<std::vector<BatchRow>> open = store.batches(row.id);
    if (!open) return open.error();
    view.boxes_retracted = view.retraction->next_box;
    for (const BatchRow& batch : *open)
      if (batch.index.value() >= kFirstBodyTombstones) view.boxes_retracted -= batch.count;
  }
  const SendPlan& plan = row.plan;
  view.boxes = plan.boxes;
  if (plan.batch_chunks > 0) {
    view.batches = batch_count(row);
    const Result<std::uint64_t> done = boxes_done(store, row);
    if (!done) return done.error();
    view.boxes_done = *done;
  }
  Result<std::string> blocked = held.reason(row);
  if (!blocked) return blocked.error();
  view.blocked = std::move(blocked).value();
  view.row = std::move(row);
  return view;
}

}  // namespace

Result<SendView> view_of(const ports::Store& store, SendJobRow row) {
  Result<std::vector<RecipientRow>> recipients = store.recipients(row.id);
  if (!recipients) return recipients.error();
  const Result<HeldJobs> held = HeldJobs::read(store);
  if (!held) return held.error();
  Result<std::optional<RetractJobRow>> retraction = store.retract_job(row.id);
  if (!retraction) return retraction.error();
  return view_of(store, *held, std::move(row), std::move(recipients).value(),
                 std::move(retraction).value());
}

Result<SendView> view_with_eta(const ports::Store& store, SendJobRow row) {
  const Result<std::vector<SendJobRow>> rows = store.send_job_rows();
  if (!rows) return rows.error();
  const auto ends = forecast(store, *rows, unix_now());
  if (!ends) return ends.error();
  const auto end = ends->find(row.id);
  Result<SendView> view = view_of(store, std::move(row));
  if (view && end != ends->end()) view->eta = end->second;
  return view;
}

bool SendView::has_ended() const {
  return taubenpost::has_ended(row.state) &&
         (!retraction || taubenpost::has_ended(retraction->state));
}

std::string SendView::state() const {
  std::string text(name_of(row.state));
  if (row.paused) text += ",paused";
  if (!blocked.empty()) text += ",blocked";
  if (!retraction) return text;
  if (retraction->state == RetractState::kRetracted) return text + ",retracted";
  if (retraction->state == RetractState::kFailed) return text + ",retract-failed";
  return text + ",retracting";
}

std::string SendView::line() const {
  return to_base32(row.id) + " " + state() + " " + printable(row.name) + " -> " +
         channels_and_receipts_of(recipients) + (eta != 0 ? ", until about " + utc(eta) : "");
}

bool SendView::waits_until_later(std::uint64_t now) const {
  return row.state == SendState::kQueued && !row.paused && row.not_before > now;
}

std::string SendView::progress() const {
  return state() + (retraction ? boxes_text(boxes_retracted, retraction->boxes)
                               : boxes_text(boxes_done, boxes));
}

std::string SendView::may_have_seen() const {
  std::vector<RecipientRow> seen;
  if (retraction)
    for (const std::uint64_t number : retraction->may_have_seen)
      if (number < recipients.size()) seen.push_back(recipients[number]);
  return channels_of(seen);
}

Json SendView::json() const {
  Json to = Json::array();
  for (const RecipientRow& recipient : recipients) {
    Json entry{{"channel", recipient.channel_name}, {"state", name_of(recipient.state)}};
    if (recipient.state == RecipientState::kReserved || recipient.state == RecipientState::kPosted)
      entry["position"] = recipient.counter;
    if (row.layout == Layout::kInline && recipient.position != IndexBytes{})
      entry["index"] = to_base64(recipient.position);
    if (recipient.received != 0) entry["received"] = recipient.received;
    if (!recipient.error_text.empty()) entry["error"] = recipient.error_text;
    to.push_back(std::move(entry));
  }
  Json retract = nullptr;
  if (retraction) {
    Json seen = Json::array();
    for (const std::uint64_t number : retraction->may_have_seen)
      if (number < recipients.size()) seen.push_back(recipients[number].channel_name);
    retract = {{"state", name_of(retraction->state)},
               {"way", name_of(retraction->direct ? Way::kDirect : Way::kCopy)},
               {"may_have_seen", std::move(seen)},
               {"boxes", retraction->boxes},
               {"boxes_done", boxes_retracted},
               {"created", retraction->created},
               {"finished", retraction->finished},
               {"error", error_json(retraction->error_code, retraction->error_text)}};
  }
  const bool is_taken = is_taken_in(row);
  return {{"id", to_base32(row.id)},
          {"state", name_of(row.state)},
          {"paused", row.paused},
          {"blocked", blocked.empty() ? Json(nullptr) : Json(blocked)},
          {"retract", std::move(retract)},
          {"priority", row.priority},
          {"not_before", row.not_before},
          {"deadline", row.deadline},
          {"idempotency_key", row.key.empty() ? Json(nullptr) : Json(row.key)},
          {"source", row.source},
          {"source_kind", name_of(row.source_kind)},
          {"more_sources", row.more_sources},
          {"kind", row.archive ? "tar" : "file"},
          {"layout", name_of(row.layout)},
          {"name", row.name},
          {"size", row.identity.size},
          {"encoding", is_taken ? Json(name_of(row.plan.encoding)) : Json(nullptr)},
          {"encoded_size", is_taken ? Json(row.plan.size) : Json(nullptr)},
          {"created", row.created},
          {"finished", row.finished},
          {"boxes", boxes},
          {"boxes_done", boxes_done},
          {"batches", batches},
          {"window", row.window == 0 ? Json(nullptr) : Json(row.window)},
          {"transport", transport_of(row)},
          {"commit", name_of(row.commit)},
          {"separate_bodies", row.separate_bodies},
          {"expire", row.expire == 0 ? Json(nullptr) : Json(row.expire)},
          {"eta", eta != 0 ? Json(eta) : Json(nullptr)},
          {"recipients", std::move(to)},
          {"receipt_for", is_receipt(row) ? Json(to_base32(row.receipt_for)) : Json(nullptr)},
          {"error", error_json(row.error_code, row.error_text)}};
}

ReceiveView view_of(ReceiveJobRow row) {
  ReceiveView view;
  // What announces nothing never became a job.
  const Result<wire::BoxContent> content = wire::decode_box_content(row.letter);
  const auto* letter = content ? std::get_if<wire::Letter>(&content.value()) : nullptr;
  if (letter != nullptr) {
    view.name = letter->name;
    view.note = letter->note;
    view.size = letter->usize;
    const auto* body = std::get_if<wire::BodyRef>(&letter->content);
    view.boxes = body != nullptr ? body->boxes : 0;
    view.boxes_done = row.prefix + row.beyond.size();
  }
  const auto* header = content ? std::get_if<wire::Foreign>(&content.value()) : nullptr;
  if (header != nullptr) {
    view.is_unverified = !header->marks;
    view.name = header->name;
    if (header->marks) view.note = header->marks->note;
    view.size = header->size;
  }
  view.row = std::move(row);
  return view;
}

std::string ReceiveView::progress() const {
  return std::string(name_of(row.state)) + boxes_text(boxes_done, boxes);
}

std::string ReceiveView::line() const {
  return to_base32(row.id) + " " + std::string(name_of(row.state)) +
         (is_unverified ? ",unverified " : " ") + printable(name) + " <- " +
         printable(row.channel_name);
}

Json ReceiveView::json() const {
  return {{"id", to_base32(row.id)},
          {"state", name_of(row.state)},
          {"channel", row.channel_name},
          {"position", row.counter},
          {"name", name},
          {"size", size},
          {"note", note.empty() ? Json(nullptr) : Json(note)},
          {"unverified", is_unverified},
          {"if_exists", name_of(row.if_exists)},
          {"not_unpacked", row.state == ReceiveState::kPlaced && !row.error_text.empty()
                               ? Json(row.error_text)
                               : Json(nullptr)},
          {"path", row.state == ReceiveState::kPlaced ? Json(row.target) : Json(nullptr)},
          {"created", row.created},
          {"finished", row.finished},
          {"boxes", boxes},
          {"boxes_done", boxes_done},
          {"error", error_json(row.error_code, row.error_text)}};
}

Result<std::vector<JobView>> all_jobs(const ports::Store& store) {
  std::vector<JobView> jobs;
  Result<std::vector<SendJobRow>> sends = store.send_job_rows();
  if (!sends) return sends.error();
  Result<std::vector<RecipientRow>> recipients = store.all_recipients();
  if (!recipients) return recipients.error();
  const auto ends = forecast(store, sends.value(), unix_now());
  if (!ends) return ends.error();
  const Result<HeldJobs> held = HeldJobs::read(store);
  if (!held) return held.error();
  const Result<std::vector<RetractJobRow>> retractions = store.retract_job_rows();
  if (!retractions) return retractions.error();
  for (SendJobRow& row : sends.value()) {
    const auto end = ends->find(row.id);
    const auto retraction = std::ranges::lower_bound(*retractions, row.id, {}, &RetractJobRow::job);
    std::optional<RetractJobRow> its_retraction;
    if (retraction != retractions->end() && retraction->job == row.id) its_retraction = *retraction;
    const auto [first, last] =
        std::ranges::equal_range(*recipients, row.id, {}, &RecipientRow::job);
    std::vector<RecipientRow> its{std::move_iterator(first), std::move_iterator(last)};
    Result<SendView> view =
        view_of(store, *held, std::move(row), std::move(its), std::move(its_retraction));
    if (!view) return view.error();
    if (end != ends->end()) view->eta = end->second;
    jobs.emplace_back(std::move(view).value());
  }
  Result<std::vector<ReceiveJobRow>> receives = store.receive_job_rows();
  if (!receives) return receives.error();
  for (ReceiveJobRow& row : receives.value()) jobs.emplace_back(view_of(std::move(row)));
  return jobs;
}

Result<JobView> find_job(const ports::Store& store, std::string_view prefix) {
  if (prefix.size() < kPrefixMin)
    return error(Errc::kUsage, "job id " + printable(prefix) + " is too short",
                 "give at least six characters");
  const Result<std::vector<JobId>> sends = store.send_jobs();
  if (!sends) return sends.error();
  const Result<std::vector<JobId>> receives = store.receive_jobs();
  if (!receives) return receives.error();
  std::vector<JobId> found;
  for (const auto* ids : {&sends.value(), &receives.value()})
    for (const JobId& id : *ids)
      if (to_base32(id).starts_with(prefix)) found.push_back(id);
  if (found.size() > 1)
    return error(Errc::kUsage, "job id " + printable(prefix) + " is not unique",
                 "give more characters");
  if (found.empty())
    return error(Errc::kNotFound, "no job has the id " + printable(prefix),
                 "'taubenpost list' shows all");
  Result<SendJobRow> send = store.send_job(found.front());
  if (send) {
    Result<SendView> view = view_with_eta(store, std::move(send).value());
    if (!view) return view.error();
    return JobView(std::move(view).value());
  }
  if (send.error().code != Errc::kNotFound) return send.error();
  Result<ReceiveJobRow> receive = store.receive_job(found.front());
  if (!receive) return receive.error();
  return JobView(view_of(std::move(receive).value()));
}

bool sends_receipt(const JobView& job) {
  const auto* send = std::get_if<SendView>(&job);
  return send != nullptr && is_receipt(send->row);
}

bool is_partly_posted(const SendView& job) {
  return std::any_of(job.recipients.begin(), job.recipients.end(),
                     [](const RecipientRow& one) { return one.state == RecipientState::kPosted; });
}

std::size_t JobWatch::Ended::delivered() const {
  const auto partly = std::count_if(send_failed.begin(), send_failed.end(), is_partly_posted);
  return posted.size() + retracted.size() + placed.size() + static_cast<std::size_t>(partly);
}

Result<JobWatch> JobWatch::start(const ports::Store& store) {
  const Result<std::vector<SendJobRow>> sends = store.send_job_rows();
  if (!sends) return sends.error();
  const Result<std::vector<ReceiveJobRow>> receives = store.receive_job_rows();
  if (!receives) return receives.error();
  const Result<std::vector<RetractJobRow>> retractions = store.retract_job_rows();
  if (!retractions) return retractions.error();
  std::map<JobId, bool> called_back;  // and whether that is over
  for (const RetractJobRow& row : *retractions)
    called_back.emplace(row.job, taubenpost::has_ended(row.state));
  JobWatch watch;
  for (const SendJobRow& row : *sends) {
    const auto retraction = called_back.find(row.id);
    const bool is_called_back = retraction != called_back.end();
    if (taubenpost::has_ended(row.state) && (!is_called_back || retraction->second))
      watch.ended_before_.emplace(row.id, is_called_back);
  }
  for (const ReceiveJobRow& row : *receives)
    if (taubenpost::has_ended(row.state) && row.state != ReceiveState::kVerified)
      watch.ended_before_.emplace(row.id, false);
  return watch;
}

Result<JobWatch::Ended> JobWatch::ended(const ports::Store& store) const {
  Result<std::vector<JobView>> jobs = all_jobs(store);
  if (!jobs) return jobs.error();
  Ended result;
  for (JobView& job : jobs.value()) {
    if (sends_receipt(job)) continue;
    if (!has_ended(job)) {
      result.unfinished.push_back(std::move(job));
    } else if (ended_before_.contains({id_of(job), is_called_back(job)})) {
      continue;
    } else if (auto* send = std::get_if<SendView>(&job)) {
      const bool is_posted = send->row.state == SendState::kPosted;
      const bool is_retracted =
          send->retraction && send->retraction->state == RetractState::kRetracted;
      auto& list = is_retracted                     ? result.retracted
                   : is_posted && !send->retraction ? result.posted
                                                    : result.send_failed;
      list.push_back(std::move(*send));
    } else if (auto* receive = std::get_if<ReceiveView>(&job)) {
      auto& list = receive->row.state == ReceiveState::kPlaced     ? result.placed
                   : receive->row.state == ReceiveState::kVerified ? result.verified
                                                                   : result.receive_failed;
      list.push_back(std::move(*receive));
    }
  }
  return result;
}

void print(Output& out, const SendView& job, bool existing) {
  if (!out.is_json()) return out.result("send_job", {}, job.line());
  Json object = job.json();
  if (existing) object["existing"] = true;
  out.result("send_job", object, {});
}

void print(Output& out, const ReceiveView& job) {
  if (!out.is_json()) return out.result("receive_job", {}, job.line());
  out.result("receive_job", job.json(), {});
}

void print_retraction(Output& out, const SendView& job) {
  std::string text = job.line();
  if (!job.may_have_seen().empty()) text += "\nmay have been seen by: " + job.may_have_seen();
  out.result("send_job", job.json(), text);
}

void print_placed(Output& out, const ReceiveView& job) {
  out.result("receive_job", job.json(),
             printable(job.row.target, kPathShown) + "\t" + std::to_string(job.size) + "\t" +
                 printable(job.row.channel_name) + (job.is_unverified ? "\tunverified" : "") +
                 (job.note.empty() ? "" : "\tnote: " + printable(job.note, wire::kNoteMax)));
  // An archive that holds what is not unpacked.
  if (!job.row.error_text.empty()) out.notice(printable(job.row.error_text, kPathShown));
}

void report_failed(Output& out, const JobWatch::Ended& ended) {
  for (const SendView& job : ended.send_failed) {
    if (job.retraction) {
      out.notice("job " + short_id(job.row.id) +
                 " was not retracted: " + printable(job.retraction->error_text));
      continue;
    }
    out.notice("job " + short_id(job.row.id) + " failed: " + printable(job.row.error_text));
    for (const RecipientRow& recipient : job.recipients)
      if (recipient.state != RecipientState::kPosted)
        out.notice("job " + short_id(job.row.id) + ": not delivered to " +
                   printable(recipient.channel_name) +
                   (recipient.error_text.empty() ? "" : ": " + printable(recipient.error_text)));
  }
  for (const ReceiveView& job : ended.receive_failed) report_failed(out, job);
}

void report_failed(Output& out, const ReceiveView& job) {
  out.notice("job " + short_id(job.row.id) + " (" + printable(job.name) + " from " +
             printable(job.row.channel_name) + ") failed: " + printable(job.row.error_text));
}

void report_unfinished(Output& out, const ports::Store& store, const JobWatch::Ended& ended,
                       std::uint64_t now) {
  for (const JobView& job : ended.unfinished) {
    const Result<std::vector<JournalRow>> history = store.journal(id_of(job));
    std::string text = "job " + short_id(id_of(job)) + " is not finished";
    const auto* send = std::get_if<SendView>(&job);
    if (send != nullptr && !send->blocked.empty())
      text += ": " + send->blocked;
    else if (send != nullptr && send->waits_until_later(now))
      text = "job " + short_id(id_of(job)) + " begins at " + utc(send->row.not_before);
    else if (history && !history->empty())
      text += ": " + printable(history->back().text);
    out.notice(text);
  }
}

void tell_receipts(Output& out, const ports::Store& store, const ReceiptRound& round) {
  for (const ReceiptSeen& one : round.seen) {
    const Result<SendJobRow> job = store.send_job(one.job);
    const Result<std::vector<RecipientRow>> recipients = store.recipients(one.job);
    if (!job || !recipients) continue;
    const RecipientRow& recipient = recipients->at(one.recipient.value());
    out.result("receipt",
               {{"job", to_base32(job->id)},
                {"name", job->name},
                {"channel", recipient.channel_name},
                {"received", recipient.received}},
               to_base32(job->id) + " received " + printable(job->name) + " -> " +
                   printable(recipient.channel_name) + " " + utc(recipient.received));
  }
  if (round.others > 0)
    out.notice(std::to_string(round.others) + " boxes of receipts held no new one");
  if (round.no_answer) out.notice("receipts: " + round.no_answer->what);
}

void show_progress(Output& out, const ports::Store& store) {
  if (!out.shows_progress()) return;
  const auto show = [&out](const auto& view) {
    out.progress(short_id(view.row.id) + " " + view.progress());
  };
  Result<std::vector<SendJobRow>> sends = store.send_job_rows();
  Result<std::vector<ReceiveJobRow>> receives = store.receive_job_rows();
  const Result<std::set<JobId>> retracting = open_retractions(store);
  if (!sends || !receives || !retracting) return;
  const auto is_open = [&](const SendJobRow& row) {
    return !is_receipt(row) && (!taubenpost::has_ended(row.state) || retracting->contains(row.id));
  };
  if (const auto send = std::ranges::find_if(*sends, is_open); send != sends->end()) {
    const Result<SendView> view = view_of(store, std::move(*send));
    if (view) show(*view);
    return;
  }
  for (ReceiveJobRow& row : *receives)
    if (!taubenpost::has_ended(row.state)) return show(view_of(std::move(row)));
}

}  // namespace taubenpost::cli
