#include "engine/share_send.h"

#include <utility>

#include "base/failpoint.h"
#include "engine/ageing.h"
#include "engine/commit_batches.h"
#include "engine/enqueue.h"
#include "engine/letter_of.h"
#include "engine/reserve_position.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Transaction;

namespace {

Status may_be_shared(EnginePorts& ports, const SendJobRow& row,
                     const std::vector<ChannelRow>& channels) {
  if (row.layout == Layout::kInline)
    return error(Errc::kRefused, "the content of the job is inside the channels of its recipients",
                 "'taubenpost send' the file to them");
  if (row.separate_bodies && row.plan.boxes > 0)
    return error(Errc::kRefused, "each recipient of the job has a body of their own",
                 "'taubenpost send' the file to them");
  for (const ChannelRow& channel : channels)
    if (channel.layout == Layout::kInline)
      return error(Errc::kRefused,
                   "channel " + printable(channel.name) + " is inline: it carries no letters",
                   "'taubenpost send' the file to it");
  const Result<std::optional<RetractJobRow>> retraction = ports.store.retract_job(row.id);
  if (!retraction) return retraction.error();
  if (retraction->has_value())
    return error(Errc::kRefused, "the transfer is retracted", "send the file again");
  switch (row.state) {
    case SendState::kPosted:
      break;
    case SendState::kFailed:
      return error(Errc::kRefused, "the job failed: only what is posted can be shared",
                   "'taubenpost retry' it first");
    case SendState::kCancelled:
      return error(Errc::kRefused, "the job is cancelled: only what is posted can be shared",
                   "send the file again");
    default:
      return error(Errc::kRefused, "the job is not posted yet", "share it when it is");
  }
  if (is_too_late(ports.clock.unix_ms() / 1000, row.until))
    return error(Errc::kRefused, "the content ages out too soon for one more letter",
                 "'taubenpost send' the file to them");
  return ok();
}

// Adds to `step`: new recipients of the job with positions and final letters.
Status add_recipients(EnginePorts& ports, SendJobRow& row, const std::vector<ChannelRow>& channels,
                      Transaction& step) {
  const Result<std::vector<RecipientRow>> known = ports.store.recipients(row.id);
  if (!known) return known.error();
  SendJobRow of_letter = row;
  of_letter.sent = ports.clock.unix_ms() / 1000;
  const Bytes letter = letter_of(of_letter, RecipientIndex{0});
  std::vector<RecipientIndex> to_write;
  for (const ChannelRow& channel : channels) {
    for (const RecipientRow& recipient : known.value())
      if (recipient.channel == channel.id)
        return error(Errc::kRefused, printable(channel.name) + " is a recipient of this job",
                     "leave it out");
    RecipientRow recipient = new_recipient(row.id, row.recipients++, channel);
    recipient.letter = letter;
    to_write.push_back(recipient.index);
    step.create(recipient);
    TP_TRY(reserve_position(ports.store, std::move(recipient), step));
  }
  add_commit_batches(step, row, to_write);
  return ok();
}

}  // namespace

asio::awaitable<Status> share_send(EnginePorts ports, JobId id, std::vector<std::string> names) {
  for (;;) {
    const Result<std::vector<ChannelRow>> channels = outgoing_channels(ports.store, names);
    if (!channels) co_return channels.error();
    Result<SendJobRow> row = ports.store.send_job(id);
    if (!row) co_return row.error();
    TP_CO_TRY(may_be_shared(ports, row.value(), *channels));
    Transaction step;
    TP_CO_TRY(add_recipients(ports, row.value(), channels.value(), step));
    row->finished = 0;
    step.note(id, ports.clock.unix_ms(),
              "shared with " + std::to_string(channels->size()) + " more");
    step.move(std::move(row).value(), SendEvent::kShare);
    Status stored = co_await ports.store.commit(std::move(step));
    // Another job has taken a position of one of these channels meanwhile: take the next ones.
    if (!stored && stored.error().code == Errc::kStateConflict) continue;
    TP_FAILPOINT("send.shared");
    co_return stored;
  }
}

}  // namespace taubenpost
