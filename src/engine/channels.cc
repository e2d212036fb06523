#include "engine/channels.h"

#include <algorithm>

#include "bacap/capability.h"
#include "crypto/hash.h"
#include "engine/receipt_channels.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Transaction;

namespace {

constexpr std::string_view kPrefix = "tp1";
constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kInlineFlag = 1, kReceiptsFlag = 2;
constexpr std::size_t kChecksumSize = 4;
constexpr std::size_t kFixedSize = 2 + 32 + kReadCapSize + 1;  // up to the label, without receipts
constexpr std::size_t kLabelMax = 64;
constexpr std::size_t kInvitationTextMax = 4096;
// So far an index is compared with the capability that it is said to belong to: a second's work.
constexpr std::uint64_t kStepsCompared = 100'000;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

Bytes checksum(ByteView payload) {
  const Bytes32 digest = crypto::blake2b_256(payload);
  return Bytes(digest.begin(), digest.begin() + kChecksumSize);
}

Error damaged(const char* why) {
  return error(Errc::kInvalid, std::string("invitation: ") + why,
               "copy it again, whole and unchanged");
}

// After the checksum: what is wrong now is of another version, or was made so.
Result<Invitation> parse_payload(ByteView payload) {
  const bool has_receipts = payload[1] == kReceiptsFlag;
  if (payload[0] != kVersion || (payload[1] > kInlineFlag && !has_receipts))
    return error(Errc::kInvalid, "invitation: made by a newer version of this program",
                 "update taubenpost");
  Invitation invitation;
  if (payload[1] == kInlineFlag) invitation.layout = Layout::kInline;
  const auto network = to_array<32>(payload.subspan(2, 32));
  if (network != NetworkId{}) invitation.network = network;
  invitation.read_cap = to_array<kReadCapSize>(payload.subspan(34, kReadCapSize));
  const std::size_t fixed = kFixedSize + (has_receipts ? kWriteCapSize : 0);
  if (payload.size() < fixed) return damaged("it is too short");
  if (has_receipts)
    invitation.receipts = to_bytes(payload.subspan(34 + kReadCapSize, kWriteCapSize));
  const ByteView label = payload.subspan(fixed);
  if (payload[fixed - 1] != label.size()) return damaged("its length is wrong");
  invitation.label = std::string(as_text(label));
  if (!valid_channel_name(invitation.label)) return damaged("its label is no name");
  return invitation;
}

// The row of a channel that begins at `first`.
ChannelRow new_row(EnginePorts& ports, std::string name, ChannelDirection direction,
                   ByteView capability, const bacap::MessageBoxIndex& first) {
  ChannelRow row;
  ports.random.fill(row.id);
  row.name = std::move(name);
  row.direction = direction;
  row.capability = to_bytes(capability);
  row.next = first.bytes();
  row.counter = first.counter();
  row.created = ports.clock.unix_ms() / 1000;
  return row;
}

Status name_is_free(const ports::Store& store, std::string_view name) {
  TP_TRY(valid_channel_name(name));
  const Result<ChannelRow> taken = find_channel(store, name);
  if (taken)
    return error(Errc::kStateConflict, "channel " + printable(name) + " exists already",
                 "choose another name");
  if (taken.error().code != Errc::kNotFound) return taken.error();
  return ok();
}

}  // namespace

std::string encode_invitation(const Invitation& invitation) {
  TP_CHECK(invitation.label.size() <= kLabelMax);
  const bool is_inline = invitation.layout == Layout::kInline;
  const bool has_receipts = !invitation.receipts.empty();
  TP_CHECK(!has_receipts || (!is_inline && invitation.receipts.size() == kWriteCapSize));
  Bytes payload{kVersion, 0};
  if (is_inline) payload[1] = kInlineFlag;
  if (has_receipts) payload[1] = kReceiptsFlag;
  append(payload, invitation.network.value_or(NetworkId{}));
  append(payload, invitation.read_cap);
  append(payload, invitation.receipts);
  payload.push_back(static_cast<std::uint8_t>(invitation.label.size()));
  append(payload, as_bytes(invitation.label));
  append(payload, checksum(payload));
  return std::string(kPrefix) + to_base32(payload);
}

Result<Invitation> decode_invitation(std::string_view text) {
  text = trimmed(text.substr(0, kInvitationTextMax));
  if (text.substr(0, kPrefix.size()) != kPrefix) return damaged("it does not begin with \"tp1\"");
  const Result<Bytes> decoded = from_base32(text.substr(kPrefix.size()));
  if (!decoded) return damaged("it has characters that don't belong there");
  if (decoded->size() < kFixedSize + kChecksumSize) return damaged("it is too short");
  const ByteView payload = ByteView(*decoded).first(decoded->size() - kChecksumSize);
  if (!equal(checksum(payload), ByteView(*decoded).last(kChecksumSize)))
    return damaged("it is damaged (checksum)");
  return parse_payload(payload);
}

Result<ReadCapBytes> decode_foreign(std::string_view text) {
  const auto invalid = [](const char* why) {
    return error(Errc::kInvalid, std::string("pigeonhole-cp keys: ") + why,
                 "a file with two lines of base64 is needed: the read capability, and the index");
  };
  std::optional<bacap::ReadCap> read_cap;
  std::optional<bacap::MessageBoxIndex> index;
  text = text.substr(0, kInvitationTextMax);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const Result<Bytes> bytes = from_base64(trimmed(text.substr(0, end)));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (!bytes) continue;
    if (bytes->size() == kReadCapSize) {
      const Result<bacap::ReadCap> parsed = bacap::ReadCap::parse(*bytes);
      if (!parsed || read_cap) return invalid(parsed ? "two read capabilities" : "no usable key");
      read_cap = *parsed;
    } else if (bytes->size() == kIndexSize) {
      if (index) return invalid("two indices");
      index = *bacap::MessageBoxIndex::parse(*bytes);
    }
  }
  if (!read_cap) return invalid("there is no read capability");
  if (!index) return invalid("there is no index");
  const std::uint64_t first = read_cap->index().counter();
  const bool is_near = index->counter() >= first && index->counter() - first <= kStepsCompared;
  if (index->counter() < first ||
      (is_near && !bacap::is_on_stream(read_cap->index(), *index, kStepsCompared)))
    return invalid("the index belongs to another capability");
  ReadCapBytes begins_there = read_cap->bytes();
  std::copy(index->bytes().begin(), index->bytes().end(), begins_there.begin() + 32);
  return begins_there;
}

std::string encode_foreign(const ReadCapBytes& read_cap, const IndexBytes& first) {
  return "Read capability:\n" + to_base64(read_cap) + "\nIndex of the next transfer:\n" +
         to_base64(first) + "\n";
}

Status valid_channel_name(std::string_view name) {
  const auto refuse = [](const char* why) {
    return error(Errc::kUsage, std::string("channel name: ") + why,
                 "use 1 to 64 bytes of UTF-8 without control characters, slashes or backslashes");
  };
  if (name.empty() || name.size() > kLabelMax) return refuse("must have 1 to 64 bytes");
  if (!is_utf8(name)) return refuse("is not UTF-8");
  if (name == "." || name == "..") return refuse("is a path");
  if (name.find_first_of("/\\") != std::string_view::npos) return refuse("has a slash");
  if (name.find_first_not_of(' ') == std::string_view::npos) return refuse("is only white space");
  // printable() escapes what a terminal must not see; names have nothing of that.
  if (printable(name) != name) return refuse("has control characters");
  return ok();
}

asio::awaitable<Result<Invitation>> new_channel(EnginePorts ports, std::string name, Layout layout,
                                                Receipts receipts) {
  TP_CO_TRY(name_is_free(ports.store, name));
  if (layout == Layout::kInline && receipts == Receipts::kWanted)
    co_return error(Errc::kUsage, "an inline channel has no receipts",
                    "its readers may have other programs");
  const Result<StoreIdentityRow> identity = ports.store.identity();
  if (!identity) co_return identity.error();
  SecretArray<32> seed;
  ports.random.fill(seed.writable());
  const bacap::WriteCap write_cap = bacap::WriteCap::from_seed(seed.view());

  ChannelRow row =
      new_row(ports, name, ChannelDirection::kOutgoing, write_cap.view(), write_cap.index());
  row.bound = identity->bound;
  row.network = identity->network;
  row.layout = layout;
  Transaction step;
  if (receipts == Receipts::kWanted) want_receipts(ports, row, step);
  const Result<Invitation> invitation = invitation_of(row);
  step.create(std::move(row));
  Status stored = co_await ports.store.commit(std::move(step));
  if (!stored) co_return stored.error();
  co_return invitation;
}

Result<Invitation> invitation_of(const ChannelRow& channel) {
  const Result<bacap::WriteCap> cap = bacap::WriteCap::parse(channel.capability);
  if (!cap) return error(Errc::kStoreBad, "a channel row without a write capability");
  if (cap->index().bytes() != channel.next)
    return error(Errc::kStateConflict, "channel " + printable(channel.name) + " is in use already",
                 "choose another name");
  Invitation invitation;
  if (channel.bound) invitation.network = channel.network;
  invitation.read_cap = to_array<kReadCapSize>(cap->read_cap().view());
  invitation.label = channel.name;
  invitation.layout = channel.layout;
  if (channel.receipts != ChannelId{}) invitation.receipts = to_bytes(receipts_cap(*cap).view());
  return invitation;
}

asio::awaitable<Status> import_channel(EnginePorts ports, std::string name, Invitation invitation,
                                       ChannelRules rules) {
  TP_CO_TRY(name_is_free(ports.store, name));
  const Result<StoreIdentityRow> identity = ports.store.identity();
  if (!identity) co_return identity.error();
  if (identity->bound && invitation.network && *invitation.network != identity->network)
    co_return error(Errc::kRefused, "invitation: it belongs to another network than this store",
                    "import it into a store of its own (another state directory)");
  const Result<bacap::ReadCap> read_cap = bacap::ReadCap::parse(invitation.read_cap);
  // Honest counters begin below 2^63; one near the end could leave a channel that can't go on.
  if (!read_cap || read_cap->index().counter() >> 63 != 0)
    co_return damaged("its capability is none");
  const Result<std::vector<ChannelRow>> channels = ports.store.channels();
  if (!channels) co_return channels.error();
  for (const ChannelRow& known : *channels)
    if (equal(known.capability, invitation.read_cap))
      co_return error(Errc::kStateConflict,
                      "invitation: it was imported already, as channel " + printable(known.name));

  ChannelRow row = new_row(ports, std::move(name), ChannelDirection::kIncoming, invitation.read_cap,
                           read_cap->index());
  row.bound = invitation.network.has_value();
  row.network = invitation.network.value_or(NetworkId{});
  row.rules = rules;
  row.layout = invitation.layout;
  Transaction step;
  if (!invitation.receipts.empty()) TP_CO_TRY(give_receipts(ports, row, invitation.receipts, step));
  step.create(std::move(row));
  co_return co_await ports.store.commit(std::move(step));
}

asio::awaitable<Status> set_channel_rules(EnginePorts ports, std::string name, ChannelRules rules,
                                          std::optional<ChannelDelivery> delivery) {
  Result<ChannelRow> row = find_channel(ports.store, name);
  if (!row) co_return row.error();
  if (row->direction != ChannelDirection::kIncoming)
    co_return error(Errc::kUsage, "channel " + printable(name) + " is for sending",
                    "rules are for channels made with 'channel import'");
  row->rules = rules;
  if (delivery) row->delivery = std::move(*delivery);
  Transaction step;
  step.update(std::move(row).value());
  co_return co_await ports.store.commit(std::move(step));
}

Result<ChannelRow> find_channel(const ports::Store& store, std::string_view name) {
  Result<std::vector<ChannelRow>> channels = store.channels();
  if (!channels) return channels.error();
  for (ChannelRow& row : channels.value())
    if (row.name == name && !row.of_receipts) return std::move(row);
  return error(Errc::kNotFound, "no channel is called " + printable(name),
               "'taubenpost channel list' shows all");
}

}  // namespace taubenpost
