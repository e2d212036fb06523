// taubenpost inbox list|show|accept|discard: what has arrived and is no receive job.
#include <algorithm>

#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/jobs.h"
#include "cli/place_options.h"
#include "engine/channels.h"
#include "engine/inbox.h"

namespace taubenpost::cli {
namespace {

constexpr std::size_t kPrefixMin = 6;

struct ListArgs {
  std::string from;
};
struct EntryArgs {
  std::string id;
};
struct AcceptArgs {
  std::string id;
  PlaceArgs place;
};

struct EntryView {
  InboxRow row;
  std::string channel_name;
  std::string id;
  std::optional<Announced> announced;

  std::string_view state() const;
  std::string line() const;
  Json json() const;
};

std::string_view EntryView::state() const {
  if (row.discarded) return "discarded";
  switch (row.kind) {
    case InboxKind::kLetter:
    case InboxKind::kDuplicate:
      break;  // are no entries
    case InboxKind::kUnknown:
      return "unknown";
    case InboxKind::kInvalid:
      return "invalid";
    case InboxKind::kRetracted:
      return "retracted";
    case InboxKind::kLost:
      return "lost";
    case InboxKind::kHeld:
      return "waiting";
    case InboxKind::kRefused:
      return "refused";
    case InboxKind::kDeferred:
      return "deferred";
    case InboxKind::kSkipped:
      return "skipped";
  }
  return "?";
}

std::string EntryView::line() const {
  std::string text = id + " " + std::string(state()) + " ";
  if (announced)
    text += printable(announced->name) + " (" + std::to_string(announced->size) + " bytes)";
  else if (row.positions > 1)
    text += std::to_string(row.positions) + " positions from " + std::to_string(row.counter);
  else
    text += "position " + std::to_string(row.counter);
  text += " <- " + printable(channel_name);
  if (!row.reason.empty()) text += ": " + printable(row.reason);
  return text;
}

Json EntryView::json() const {
  return {{"id", id},
          {"state", state()},
          {"channel", channel_name},
          {"position", row.counter},
          {"positions", row.positions},
          {"name", announced ? Json(announced->name) : Json(nullptr)},
          {"size", announced ? Json(announced->size) : Json(nullptr)},
          {"bytes", row.content.size()},
          {"reason", row.reason.empty() ? Json(nullptr) : Json(row.reason)},
          {"seen", row.seen}};
}

EntryView entry_of(InboxRow row, const ChannelRow& channel) {
  EntryView view;
  view.channel_name = channel.name;
  view.id = to_base32(entry_id(channel.id, row.counter));
  Result<Announced> announced = announced_in(row.content);
  if (announced && holds_transfer(row.kind)) view.announced = std::move(announced).value();
  view.row = std::move(row);
  return view;
}

// Without what has become a job, and its copies; also what was discarded.
Result<std::vector<EntryView>> entries(const ports::Store& store, const std::string& from) {
  const Result<std::vector<ChannelRow>> channels = store.channels();
  if (!channels) return channels.error();
  std::vector<EntryView> found;
  for (const ChannelRow& channel : *channels) {
    if (channel.direction != ChannelDirection::kIncoming) continue;
    if (!from.empty() && channel.name != from) continue;
    Result<std::vector<InboxRow>> inbox = store.inbox(channel.id);
    if (!inbox) return inbox.error();
    for (InboxRow& row : inbox.value())
      if (row.kind != InboxKind::kLetter && row.kind != InboxKind::kDuplicate)
        found.push_back(entry_of(std::move(row), channel));
  }
  return found;
}

Result<EntryView> find_entry(const ports::Store& store, const std::string& prefix) {
  if (prefix.size() < kPrefixMin)
    return error(Errc::kUsage, "inbox id " + printable(prefix) + " is too short",
                 "give at least six characters");
  Result<std::vector<EntryView>> all = entries(store, "");
  if (!all) return all.error();
  EntryView* found = nullptr;
  for (EntryView& entry : all.value()) {
    if (!entry.id.starts_with(prefix)) continue;
    if (found != nullptr)
      return error(Errc::kUsage, "inbox id " + printable(prefix) + " is not unique",
                   "give more characters");
    found = &entry;
  }
  if (found == nullptr)
    return error(Errc::kNotFound, "nothing in the inbox has the id " + printable(prefix),
                 "'taubenpost inbox list' shows all; what has become a job, 'taubenpost list'");
  return std::move(*found);
}

// As the store has it now.
Status print_now(Output& out, const ports::Store& store, const EntryView& entry) {
  Result<EntryView> now = find_entry(store, entry.id);
  if (!now) return now.error();
  out.result("inbox_entry", now->json(), now->line());
  return ok();
}

Result<int> run_list(Context& context, const ListArgs& args) {
  const Result<Session*> session = context.session();
  if (!session) return session.error();
  const ports::Store& store = (*session)->store();
  if (!args.from.empty()) {
    const Result<ChannelRow> channel = find_channel(store, args.from);
    if (!channel) return channel.error();
  }
  const Result<std::vector<EntryView>> all = entries(store, args.from);
  if (!all) return all.error();
  for (const EntryView& entry : *all)
    if (!entry.row.discarded) context.out().result("inbox_entry", entry.json(), entry.line());
  return kDone;
}

Result<int> run_show(Context& context, const EntryArgs& args) {
  const Result<Session*> session = context.session();
  if (!session) return session.error();
  const Result<EntryView> entry = find_entry((*session)->store(), args.id);
  if (!entry) return entry.error();
  std::string text = "id: " + entry->id + "\nstate: " + std::string(entry->state()) +
                     "\nchannel: " + printable(entry->channel_name) +
                     "\nposition: " + std::to_string(entry->row.counter) +
                     "\npositions: " + std::to_string(entry->row.positions) +
                     "\nseen: " + std::to_string(entry->row.seen) +
                     "\nbytes in the box: " + std::to_string(entry->row.content.size());
  if (entry->announced)
    text += "\nname: " + printable(entry->announced->name) +
            "\nsize: " + std::to_string(entry->announced->size);
  if (!entry->row.reason.empty()) text += "\nreason: " + printable(entry->row.reason);
  context.out().result("inbox_entry", entry->json(), text);
  return kDone;
}

Result<int> run_accept(Context& context, const AcceptArgs& args) {
  const Result<std::string> folder = args.place.folder();
  if (!folder) return folder.error();
  const Result<Session*> session = context.session();
  if (!session) return session.error();
  const Result<EntryView> entry = find_entry((*session)->store(), args.id);
  if (!entry) return entry.error();
  const Result<JobId> id = (*session)->run(accept_entry(
      (*session)->ports(), entry->row.channel, entry->row.counter, *folder, args.place.options()));
  if (!id) return id.error();
  Result<ReceiveJobRow> job = (*session)->store().receive_job(*id);
  if (!job) return job.error();
  const ReceiveView view = view_of(std::move(job).value());
  context.out().result("receive_job", view.json(), view.line());
  return kDone;
}

Result<int> run_discard(Context& context, const EntryArgs& args) {
  const Result<Session*> session = context.session();
  if (!session) return session.error();
  const Result<EntryView> entry = find_entry((*session)->store(), args.id);
  if (!entry) return entry.error();
  const Result<Unit> done =
      (*session)->run(discard_entry((*session)->ports(), entry->row.channel, entry->row.counter));
  if (!done) return done.error();
  TP_TRY(print_now(context.out(), (*session)->store(), *entry));
  return kDone;
}

constexpr const char* kIdHelp = "an id of 'inbox list', or six or more of its first characters";

}  // namespace

void add_inbox(Commands& commands) {
  CLI::App* inbox = commands.root.add_subcommand(
      "inbox", "Shows what arrived and was not taken, and takes or discards it");
  inbox->require_subcommand(1);
  inbox->fallthrough();
  CLI::App* list =
      inbox->add_subcommand("list", "Lists what waits, was refused, or is no transfer");
  const auto listed = on_chosen<ListArgs>(commands, *list, run_list);
  list->add_option("--from", listed->from, "only of this channel")->type_name("NAME");
  CLI::App* show = inbox->add_subcommand("show", "Shows one entry");
  const auto shown = on_chosen<EntryArgs>(commands, *show, run_show);
  show->add_option("ID", shown->id, kIdHelp)->required();
  CLI::App* accept =
      inbox->add_subcommand("accept", "Has a transfer received, whatever the limits");
  const auto accepted = on_chosen<AcceptArgs>(commands, *accept, run_accept);
  accept->add_option("ID", accepted->id, kIdHelp)->required();
  add_place_options(*accept, accepted->place);
  CLI::App* discard = inbox->add_subcommand("discard", "Forgets an entry");
  const auto discarded = on_chosen<EntryArgs>(commands, *discard, run_discard);
  discard->add_option("ID", discarded->id, kIdHelp)->required();
}

}  // namespace taubenpost::cli
