#include "cli/inbox_view.h"

namespace taubenpost::cli {
namespace {

constexpr std::size_t kPrefixMin = 6;

EntryView entry_of(InboxRow row, const ChannelRow& channel) {
  EntryView view;
  view.channel_name = channel.name;
  view.id = to_base32(entry_id(channel.id, row.counter));
  Result<Announced> announced = announced_in(row.content);
  if (announced && holds_transfer(row.kind)) view.announced = std::move(announced).value();
  view.row = std::move(row);
  return view;
}

}  // namespace

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
          {"note", announced && !announced->note.empty() ? Json(announced->note) : Json(nullptr)},
          {"bytes", row.content.size()},
          {"reason", row.reason.empty() ? Json(nullptr) : Json(row.reason)},
          {"seen", row.seen}};
}

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

}  // namespace taubenpost::cli
