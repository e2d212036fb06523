#include "engine/receipt_channels.h"

#include <algorithm>

#include "crypto/hash.h"
#include "engine/channels.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Transaction;

namespace {

// No other name has a slash.
constexpr std::string_view kSuffix = "/receipts";

ChannelRow new_row(EnginePorts& ports, const ChannelRow& channel, ByteView capability,
                   const bacap::MessageBoxIndex& first) {
  ChannelRow row;
  ports.random.fill(row.id);
  row.name = channel.name + std::string(kSuffix);
  row.direction = channel.direction == ChannelDirection::kOutgoing ? ChannelDirection::kIncoming
                                                                   : ChannelDirection::kOutgoing;
  row.capability = to_bytes(capability);
  row.next = first.bytes();
  row.counter = first.counter();
  row.bound = channel.bound;
  row.network = channel.network;
  row.created = channel.created;
  row.of_receipts = true;
  return row;
}

Error unusable() {
  return error(Errc::kInvalid, "invitation: its capability for receipts is none",
               "import it without --receipts");
}

Result<ChannelRow> incoming(const ports::Store& store, std::string_view name) {
  Result<ChannelRow> row = find_channel(store, name);
  if (row && row->direction != ChannelDirection::kIncoming)
    return error(Errc::kUsage, "channel " + printable(name) + " is for sending",
                 "receipts are sent for channels made with 'channel import'");
  return row;
}

}  // namespace

bacap::WriteCap receipts_cap(const bacap::WriteCap& channel) {
  crypto::Blake2b256 hash;
  hash.update(as_bytes("taubenpost receipts 1"));
  hash.update(channel.view());
  const SecretArray<32> seed{hash.finish()};
  return bacap::WriteCap::from_seed(seed.view());
}

void want_receipts(EnginePorts& ports, ChannelRow& channel, Transaction& step) {
  const Result<bacap::WriteCap> own = bacap::WriteCap::parse(channel.capability);
  TP_CHECK(own);
  const bacap::ReadCap cap = receipts_cap(*own).read_cap();
  ChannelRow row = new_row(ports, channel, cap.view(), cap.index());
  channel.receipts = row.id;
  step.create(std::move(row));
}

Status give_receipts(EnginePorts& ports, ChannelRow& channel, ByteView write_cap,
                     Transaction& step) {
  const Result<bacap::WriteCap> cap = bacap::WriteCap::parse(write_cap);
  if (!cap || cap->index().counter() >> 63 != 0) return unusable();
  const Result<bacap::ReadCap> own = bacap::ReadCap::parse(channel.capability);
  if (!own || equal(own->root_key(), cap->root_key())) return unusable();
  const Result<std::vector<ChannelRow>> all = ports.store.channels();
  if (!all) return all.error();
  const auto known = std::ranges::find_if(
      *all, [&](const ChannelRow& row) { return equal(row.capability, write_cap); });
  if (known != all->end()) {  // its next position is one that nothing was written to
    const bool is_free = known->of_receipts && std::ranges::none_of(*all, [&](const auto& row) {
                           return row.receipts == known->id;
                         });
    if (!is_free)
      return error(Errc::kStateConflict,
                   "invitation: its capability for receipts belongs to another channel",
                   "import it without --receipts");
    channel.receipts = known->id;
    return ok();
  }
  ChannelRow row = new_row(ports, channel, write_cap, cap->index());
  channel.receipts = row.id;
  step.create(std::move(row));
  return ok();
}

asio::awaitable<Status> start_receipts(EnginePorts ports, std::string name, Bytes write_cap) {
  Result<ChannelRow> row = incoming(ports.store, name);
  if (!row) co_return row.error();
  if (row->receipts != ChannelId{})
    co_return error(Errc::kNothingToDo, "channel " + printable(name) + " sends receipts already");
  Transaction step;
  TP_CO_TRY(give_receipts(ports, *row, write_cap, step));
  step.update(std::move(row).value());
  co_return co_await ports.store.commit(std::move(step));
}

asio::awaitable<Status> stop_receipts(EnginePorts ports, std::string name) {
  Result<ChannelRow> row = incoming(ports.store, name);
  if (!row) co_return row.error();
  if (row->receipts == ChannelId{})
    co_return error(Errc::kNothingToDo, "channel " + printable(name) + " sends no receipts");
  row->receipts = {};
  Transaction step;
  step.update(std::move(row).value());
  co_return co_await ports.store.commit(std::move(step));
}

}  // namespace taubenpost
