// taubenpost channel new|import|list|show|resync; set and seek are in channel_rules.cc
#include <memory>

#include "app/invite_file.h"
#include "app/state_dir.h"
#include "bacap/capability.h"
#include "cli/channel_rules.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/jobs.h"
#include "engine/channels.h"
#include "engine/inline_channels.h"
#include "engine/receipt_channels.h"
#include "engine/resync.h"

namespace taubenpost::cli {
namespace {

struct ChannelArgs {
  std::string name;
  std::string invite_file;
  bool is_inline = false;
  bool receipts = false;
};
struct ImportArgs {
  std::string name;
  std::string invite_file;
  std::string foreign_file;
  bool receipts = false;
  RulesArgs rules;
};
constexpr const char* kNoReceipts =
    "the sender asks for receipts, which say what was received and when: none are sent; the same "
    "command with --receipts sends them";

struct NoArgs {};
struct ShowArgs {
  std::string name;
  std::string foreign_file;
};
struct ResyncArgs {
  std::string name;
  std::optional<std::uint64_t> at;
};

std::string_view direction_of(const ChannelRow& channel) {
  return channel.direction == ChannelDirection::kOutgoing ? "outgoing" : "incoming";
}
std::string_view state_of(const ChannelRow& channel) {
  return channel.unsynchronised ? "unsynchronised" : "ready";
}

// Null for a channel without.
Result<Json> receipts_of(const ports::Store& store, const ChannelRow& channel) {
  if (channel.receipts == ChannelId{}) return Json(nullptr);
  const Result<ChannelRow> receipts = store.channel(channel.receipts);
  if (!receipts) return receipts.error();
  return Json{{"position", receipts->counter}, {"state", state_of(*receipts)}};
}

Result<Json> fields_of(const ports::Store& store, const ChannelRow& channel) {
  const Result<Json> receipts = receipts_of(store, channel);
  if (!receipts) return receipts.error();
  Json fields{{"name", channel.name},
              {"direction", direction_of(channel)},
              {"layout", name_of(channel.layout)},
              {"position", channel.counter},
              {"state", state_of(channel)},
              {"receipts", *receipts},
              {"created", channel.created}};
  if (channel.direction == ChannelDirection::kIncoming) fields.update(rules_json(channel));
  return fields;
}

Status print(Output& out, const ports::Store& store, const ChannelRow& channel,
             const std::string& text) {
  const Result<Json> fields = fields_of(store, channel);
  if (!fields) return fields.error();
  out.result("channel", *fields, text);
  return ok();
}

Status print_made(Session& session, Output& out, const std::string& name, const std::string& text) {
  const Result<ChannelRow> channel = find_channel(session.store(), name);
  if (!channel) return channel.error();
  return print(out, session.store(), *channel, text);
}

Result<int> run_new(Context& context, const ChannelArgs& args) {
  const Result<Session*> session = context.session();
  if (!session) return session.error();
  TP_TRY(valid_channel_name(args.name));
  if (!args.is_inline && args.invite_file.empty())
    return error(Errc::kUsage, "--invite-file is required",
                 "only an inline channel can do without an invitation");
  const Layout layout = args.is_inline ? Layout::kInline : Layout::kLetters;
  const Receipts receipts = args.receipts ? Receipts::kWanted : Receipts::kNone;
  // A channel that is there and was never written to: of an earlier run that did not get as far as
  // its invitation, or of the same command given twice.
  std::optional<Invitation> known;
  const Result<ChannelRow> there = find_channel((*session)->store(), args.name);
  if (!there && there.error().code != Errc::kNotFound) return there.error();
  if (there && there->direction != ChannelDirection::kOutgoing)
    return error(Errc::kStateConflict, "channel " + printable(args.name) + " is for receiving",
                 "choose another name");
  if (there && there->layout != layout)
    return error(Errc::kStateConflict,
                 "channel " + printable(args.name) + " is there, and of the other kind",
                 "choose another name");
  if (there && (there->receipts != ChannelId{}) != args.receipts)
    return error(Errc::kStateConflict,
                 "channel " + printable(args.name) + " is there, with" +
                     (args.receipts ? "out receipts" : " receipts"),
                 "choose another name");
  if (there) {
    Result<Invitation> again = invitation_of(*there);
    if (!again) return again.error();
    known = std::move(again).value();
  }
  Disk disk;
  std::unique_ptr<InviteFile> file;
  if (!args.invite_file.empty()) {
    auto reserved =
        InviteFile::reserve(disk, absolute_path(args.invite_file), known ? &*known : nullptr);
    if (!reserved) return reserved.error();
    file = std::move(reserved).value();
  }
  if (!known) {
    Result<Invitation> made =
        (*session)->run(new_channel((*session)->ports(), args.name, layout, receipts));
    if (!made) return made.error();
    known = std::move(made).value();
  }
  if (file) TP_TRY(file->publish(*known));
  const std::string what = file ? "invitation in " + printable(args.invite_file, 4096) : "made";
  TP_TRY(print_made(**session, context.out(), args.name,
                    "channel " + printable(args.name) + ": " + what));
  return kDone;
}

// Once more, for receipts of what comes from now on.
Result<int> import_again(Context& context, Session& session, const ImportArgs& args,
                         Invitation invitation, const ChannelRow& there) {
  const bool starts = args.receipts && there.receipts == ChannelId{};
  if (starts) {
    const Result<Unit> started =
        session.run(start_receipts(session.ports(), args.name, std::move(invitation.receipts)));
    if (!started) return started.error();
  }
  TP_TRY(print_made(session, context.out(), args.name,
                    "channel " + printable(args.name) +
                        (starts ? ": sends receipts from now on" : " is imported already")));
  return kDone;
}

Result<int> run_import(Context& context, const ImportArgs& args) {
  const Result<Session*> session = context.session();
  if (!session) return session.error();
  Result<Invitation> invitation = args.foreign_file.empty() ? read_invitation(args.invite_file)
                                                            : read_foreign(args.foreign_file);
  if (!invitation) return invitation.error();
  const bool has_receipts = !invitation->receipts.empty();
  if (args.receipts && !has_receipts)
    return error(Errc::kUsage, "the invitation is of a sender who takes no receipts",
                 "import it without --receipts");
  const Result<ChannelRow> there = find_channel((*session)->store(), args.name);
  const bool sends_receipts = args.receipts || (there && there->receipts != ChannelId{});
  if (has_receipts && !sends_receipts) context.out().notice(kNoReceipts);
  if (there && equal(there->capability, invitation->read_cap))
    return import_again(context, **session, args, std::move(invitation).value(), *there);
  if (!args.receipts) invitation->receipts.clear();
  const Result<Unit> imported =
      (*session)->run(import_channel((*session)->ports(), args.name, std::move(invitation).value(),
                                     args.rules.over(ChannelRules{})));
  if (!imported) return imported.error();
  TP_TRY(print_made(**session, context.out(), args.name,
                    "channel " + printable(args.name) + ": imported"));
  return kDone;
}

Result<int> run_list(Context& context, const NoArgs&) {
  const Result<Session*> session = context.session();
  if (!session) return session.error();
  const Result<std::vector<ChannelRow>> channels = (*session)->store().channels();
  if (!channels) return channels.error();
  for (const ChannelRow& channel : *channels)
    if (!channel.of_receipts)
      TP_TRY(print(context.out(), (*session)->store(), channel,
                   printable(channel.name) + "\t" + std::string(direction_of(channel)) + "\t" +
                       std::to_string(channel.counter) +
                       (channel.unsynchronised ? "\tunsynchronised" : "")));
  return kDone;
}

// What pigeonhole-cp needs to read the next transfer, into a file for its user.
Status write_foreign(const ChannelRow& channel, const IndexBytes& first, const std::string& path) {
  const Result<bacap::WriteCap> cap = bacap::WriteCap::parse(channel.capability);
  if (!cap) return cap.error();
  Disk disk;
  const auto file = InviteFile::reserve(disk, absolute_path(path), nullptr);
  if (!file) return file.error();
  return (*file)->publish(SecretBytes{as_bytes(encode_foreign(cap->read_cap().bytes(), first))});
}

Result<int> run_show(Context& context, const ShowArgs& args) {
  const Result<Session*> session = context.session();
  if (!session) return session.error();
  const Result<ChannelRow> channel = find_channel((*session)->store(), args.name);
  if (!channel) return channel.error();
  const bool is_source =
      channel->direction == ChannelDirection::kOutgoing && channel->layout == Layout::kInline;
  if (!args.foreign_file.empty() && !is_source)
    return error(Errc::kUsage,
                 "channel " + printable(args.name) + " can't be read by other programs",
                 "make one with 'taubenpost channel new --inline'");
  Result<Json> json = fields_of((*session)->store(), *channel);
  if (!json) return json.error();
  const Json& receipts = (*json)["receipts"];
  std::string text =
      "name: " + printable(channel->name) + "\ndirection: " + std::string(direction_of(*channel)) +
      "\nlayout: " + std::string(name_of(channel->layout)) +
      "\nposition: " + std::to_string(channel->counter) +
      "\nstate: " + std::string(state_of(*channel)) + "\nreceipts: " +
      (receipts.is_null() ? "no"
                          : receipts["state"].get<std::string>() + ", at position " +
                                receipts["position"].dump()) +
      (channel->direction == ChannelDirection::kIncoming ? rules_text(*channel) : "");
  if (is_source) {
    const Result<IndexBytes> first = next_start((*session)->store(), *channel);
    if (!first) return first.error();
    if (!args.foreign_file.empty()) TP_TRY(write_foreign(*channel, *first, args.foreign_file));
    (*json)["index"] = to_base64(*first);
    text += "\nindex: " + to_base64(*first);
  }
  context.out().result("channel", *json, text);
  return kDone;
}

Result<int> run_resync(Context& context, const ResyncArgs& args) {
  const Result<Session*> session = context.session();
  if (!session) return session.error();
  const Result<ChannelRow> channel = find_channel((*session)->store(), args.name);
  if (channel && channel->unsynchronised)
    context.out().notice("looking for the free positions of channel " + printable(args.name) +
                         ": an empty one is read for a minute before it counts as free");
  const Result<ResyncSummary> done =
      (*session)->run(resync_channel((*session)->ports(), args.name, args.at));
  if (!done && done.error().code == Errc::kCancelled)
    return error(Errc::kCancelled, done.error().what,
                 "nothing was changed; the same command begins again");
  if (!done) return done.error();
  context.out().result("resync",
                       {{"name", args.name},
                        {"position", done->position},
                        {"used", done->used},
                        {"posted", done->posted}},
                       "channel " + printable(args.name) + ": goes on at position " +
                           std::to_string(done->position) + ", " + std::to_string(done->used) +
                           " positions were used since the copy was made, " +
                           std::to_string(done->posted) + " letters of unfinished jobs among them");
  return kDone;
}

constexpr const char* kNameHelp = "your name for the channel";

void add_new(Commands& commands, CLI::App& channel) {
  CLI::App* command = channel.add_subcommand("new", "Makes a channel to one recipient");
  const auto args = on_chosen<ChannelArgs>(commands, *command, run_new);
  command->add_option("NAME", args->name, kNameHelp)->required();
  command->add_flag("--inline", args->is_inline,
                    "for a recipient with pigeonhole-cp: transfers without letters");
  command->add_flag("--receipts", args->receipts,
                    "ask the recipient to confirm what has arrived; they may decline");
  command
      ->add_option("--invite-file", args->invite_file,
                   "where its invitation is written (0600); a secret, for the recipient alone")
      ->check(names_something())
      ->type_name("FILE");
}

void add_import(Commands& commands, CLI::App& channel) {
  CLI::App* command = channel.add_subcommand("import", "Accepts an invitation");
  const auto args = on_chosen<ImportArgs>(commands, *command, run_import);
  command->add_option("NAME", args->name, kNameHelp)->required();
  CLI::Option_group* from = command->add_option_group("Where it comes from");
  from->add_option("--invite-file", args->invite_file, "the invitation; - for standard input")
      ->type_name("FILE");
  from->add_option("--foreign-file", args->foreign_file,
                   "read capability and index of a pigeonhole-cp user; - for standard input")
      ->type_name("FILE");
  from->require_option(1);
  command->add_flag("--receipts", args->receipts,
                    "tell the sender what was received, and when; only if the invitation asks");
  add_rules_options(*command, args->rules);
}

}  // namespace

void add_channel(Commands& commands) {
  CLI::App* channel =
      commands.root.add_subcommand("channel", "Makes, imports, lists, sets and resyncs channels");
  channel->require_subcommand(1);
  channel->fallthrough();
  add_new(commands, *channel);
  add_import(commands, *channel);
  CLI::App* list = channel->add_subcommand("list", "Lists all channels");
  on_chosen<NoArgs>(commands, *list, run_list);
  CLI::App* show = channel->add_subcommand("show", "Shows one channel");
  const auto shown = on_chosen<ShowArgs>(commands, *show, run_show);
  show->add_option("NAME", shown->name, kNameHelp)->required();
  show->add_option(
          "--foreign-file", shown->foreign_file,
          "where the keys for pigeonhole-cp are written (0600); a secret, as the invitation")
      ->check(names_something())
      ->type_name("FILE");
  add_channel_set(commands, *channel);
  add_channel_seek(commands, *channel);
  CLI::App* resync =
      channel->add_subcommand("resync", "Finds the free positions of a restored channel");
  const auto args = on_chosen<ResyncArgs>(commands, *resync, run_resync);
  resync->add_option("NAME", args->name, kNameHelp)->required();
  resync->add_option("--at", args->at, "what the recipient's 'channel show' prints as position")
      ->type_name("POSITION");
}

}  // namespace taubenpost::cli
