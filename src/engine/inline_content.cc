#include "engine/inline_content.h"

#include <utility>

namespace taubenpost {
namespace asio = boost::asio;

InlineContent::InlineContent(const SendJobRow& job, std::vector<RecipientRow> recipients,
                             EnginePorts ports)
    : job_(job.id),
      slice_items_(job.plan.slice_chunks),
      recipients_(std::move(recipients)),
      chunks_(job, ports.files),
      ports_(ports) {
  for (const RecipientRow& recipient : recipients_) walks_.emplace_back(recipient.position);
}

Result<Slice> InlineContent::slice(const BatchRow& row, std::uint32_t count) {
  Slice slice;
  Bytes payload;  // of the chunk of which the last recipient had the box
  for (std::uint64_t at = row.first + row.built; at < row.first + row.built + count; ++at) {
    const std::uint64_t chunk = at / recipients_.size();
    const std::size_t to = at % recipients_.size();
    if (payload.empty() || to == 0) {
      Result<Bytes> read = chunks_.read(chunk, 1);
      if (!read) return read.error();
      payload = std::move(read).value();
    }
    const Result<ChannelRow> channel = ports_.store.channel(recipients_[to].channel);
    if (!channel) return channel.error();
    const Result<IndexBytes> start = walks_[to].at(1 + chunk);
    if (!start) return start.error();
    const Result<IndexBytes> next = walks_[to].at(2 + chunk);
    if (!next) return next.error();
    slice.payloads.push_back(payload);
    slice.write_caps.emplace_back(channel->capability);
    slice.starts.push_back(*start);
    slice.expected_next.push_back(*next);
  }
  return slice;
}

Result<Slice> InlineContent::box(const BatchRow& row, std::uint32_t item) {
  BatchRow at = row;
  at.built = item;
  return slice(at, 1);
}

asio::awaitable<Result<Verdict>> InlineContent::read_back(BatchRow row, std::uint32_t item) {
  Result<Slice> expected = box(row, item);
  if (!expected) co_return expected.error();
  const Result<bacap::WriteCap> cap = bacap::WriteCap::parse(expected->write_caps.front().view());
  if (!cap) co_return cap.error();
  const std::size_t to = (row.first + item) % recipients_.size();
  co_return co_await read_chunk_back(ports_, cap->read_cap(), expected->starts.front(),
                                     std::move(expected->payloads.front()),
                                     "channel " + printable(recipients_[to].channel_name));
}

}  // namespace taubenpost
