// taubenpost inbox list|show|accept|discard: what has arrived and is no receive job.
#include "app/time_text.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/inbox_view.h"
#include "cli/jobs.h"
#include "cli/place_options.h"
#include "engine/channels.h"
#include "engine/deliver.h"
#include "engine/inbox.h"

namespace taubenpost::cli {
namespace {

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

// What is to be decided about. kNothingToDo if that was done: the job has the id of the entry.
Result<EntryView> find_undecided(const ports::Store& store, const std::string& id) {
  Result<EntryView> entry = find_entry(store, id);
  if (entry || entry.error().code != Errc::kNotFound) return entry;
  const Result<JobView> job = find_job(store, id);
  const auto* receive = job ? std::get_if<ReceiveView>(&*job) : nullptr;
  if (receive == nullptr) return entry;
  return error(Errc::kNothingToDo, "it has become a job already: " + receive->line(),
               "'taubenpost show " + printable(id) + "' shows it");
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
                     "\nseen: " + utc(entry->row.seen) +
                     "\nbytes in the box: " + std::to_string(entry->row.content.size());
  if (entry->announced)
    text += "\nname: " + printable(entry->announced->name) +
            "\nsize: " + std::to_string(entry->announced->size);
  if (entry->announced && !entry->announced->note.empty())
    text += "\nnote: " + printable(entry->announced->note, wire::kNoteMax);
  if (!entry->row.reason.empty()) text += "\nreason: " + printable(entry->row.reason);
  context.out().result("inbox_entry", entry->json(), text);
  return kDone;
}

Result<int> run_accept(Context& context, const AcceptArgs& args) {
  Result<std::string> folder = args.place.folder();
  if (!folder) return folder.error();
  const Result<Session*> session = context.session();
  if (!session) return session.error();
  const Result<EntryView> entry = find_undecided((*session)->store(), args.id);
  if (!entry) return entry.error();
  const Result<ChannelRow> channel = (*session)->store().channel(entry->row.channel);
  if (!channel) return channel.error();
  PlaceOptions place = args.place.options();
  if (has_delivery(*channel) && !args.place.is_given()) {
    folder = channel->delivery.folder;
    place = place_of(channel->delivery);
  }
  const Result<JobId> id =
      (*session)->run(accept_entry((*session)->ports(), entry->row.channel, entry->row.counter,
                                   std::move(folder).value(), std::move(place)));
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
  Result<EntryView> entry = find_undecided((*session)->store(), args.id);
  if (!entry) return entry.error();
  const Result<Unit> done =
      (*session)->run(discard_entry((*session)->ports(), entry->row.channel, entry->row.counter));
  if (!done) return done.error();
  entry->row.discarded = true;  // it is still known here what it was
  entry->row.content.clear();
  context.out().result("inbox_entry", entry->json(), entry->line());
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
