#include "engine/plan_send.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "base/failpoint.h"
#include "engine/bodies.h"
#include "engine/content_chunks.h"
#include "engine/enqueue.h"
#include "engine/incoming.h"
#include "engine/letter_of.h"
#include "engine/receipts.h"
#include "engine/take_content.h"

namespace taubenpost {
namespace asio = boost::asio;
namespace {

constexpr std::uint64_t kSmallestBoxMax = 1200;    // design 3.1: a letter must always fit
constexpr std::uint64_t kContentMax = 1ULL << 50;  // what a letter can say

// At least four batches where it can be, so that uploads and copies overlap. Beyond that: the last
// copy is waited for, at about three slots a box, and each batch costs about six packets of its
// own. The sum is least near 1.5 times the root of the boxes.
void shape_batches(SendPlan& plan, std::uint64_t boxes, const EngineOptions& options) {
  const std::uint64_t quarter = (boxes + 3) / 4;
  const auto best = static_cast<std::uint64_t>(1.5 * std::sqrt(static_cast<double>(boxes)));
  const std::uint64_t most = std::min<std::uint64_t>({quarter, best, options.batch_chunks});
  plan.slice_chunks =
      static_cast<std::uint32_t>(std::clamp<std::uint64_t>(most, 1, options.slice_chunks));
  plan.batch_chunks = static_cast<std::uint32_t>(
      most < plan.slice_chunks ? plan.slice_chunks : most - most % plan.slice_chunks);
}

// Whether the content of the plan in `row` can stand in its letter.
bool fits_into_letter(SendJobRow row) {
  const std::uint64_t chunk = chunk_size(ByteSize{row.plan.box_max}).value();
  if (row.layout != Layout::kLetters || row.plan.size >= chunk) return false;
  row.plan.boxes = 0;
  row.sent = row.until = UINT32_MAX + 1ULL;
  row.plan.inline_data.assign(row.plan.size, 0);
  return row.plan.size == 0 || letter_of(row, RecipientIndex{0}).size() <= chunk;
}

// A source on disk, as the bytes that it gives.
class SourceInput : public ports::Input {
 public:
  explicit SourceInput(ports::Source& source) : source_(source) {}
  asio::awaitable<Result<Bytes>> read(std::size_t limit) override { co_return source_.read(limit); }

 private:
  ports::Source& source_;
};

asio::awaitable<Result<TakenContent>> take_source(EnginePorts ports, SendJobRow row) {
  const Result<std::unique_ptr<ports::Source>> source = ports.files.open_source(sources_of(row));
  if (!source) co_return source.error();
  TakeOptions options;
  options.in_place = row.source_kind == SourceKind::kInPlace;
  options.may_encode = row.layout == Layout::kLetters && !options.in_place;
  options.size = row.identity.size;
  options.wrong_size =
      error(Errc::kSourceChanged, printable(row.source) + ": changed since it was queued",
            "send it again");
  if ((*source)->identity() != row.identity) co_return options.wrong_size;
  SourceInput input(**source);
  Result<TakenContent> taken = co_await take_content(ports, row.id, input, std::move(options));
  if (!taken) co_return taken;
  TP_CO_TRY((*source)->still_same());
  co_return taken;
}

}  // namespace

asio::awaitable<Result<SendPlan>> plan_send(EnginePorts ports, const EngineOptions& options,
                                            SendJobRow row, std::uint64_t box_max) {
  if (box_max < kSmallestBoxMax)
    co_return error(Errc::kRefused, "the network's boxes are too small: " +
                                        std::to_string(box_max) + " bytes, 1200 are needed");
  SendPlan& plan = row.plan;
  plan.box_max = box_max;
  if (is_receipt(row)) co_return std::move(plan);  // there is no content
  Bytes small;                                     // all of the content, if it is short
  std::optional<ContentSpool> unfinished;
  if (row.source_kind != SourceKind::kStandardInput) {
    Result<TakenContent> taken = co_await take_source(ports, row);
    if (!taken) co_return taken.error();
    plan = std::move(taken->plan);
    small = std::move(taken->small);
    unfinished.emplace(std::move(taken->spool));
  }
  plan.box_max = box_max;
  ports.random.fill(plan.body_seed);
  const bool fits = fits_into_letter(row);
  if (fits && !unfinished && plan.size > 0) {
    Result<Bytes> content = ContentChunks(row, ports.files).read(0, 1);
    if (!content) co_return content.error();
    small = std::move(content).value();
  }
  const std::uint64_t boxes =
      chunks_for(ByteSize{plan.size}, chunk_size(ByteSize{box_max})).value();
  if (fits && small.size() == plan.size)
    plan.inline_data = std::move(small);
  else
    plan.boxes = boxes * copies_of(row);
  shape_batches(plan, row.separate_bodies ? boxes : plan.boxes, options);
  TP_FAILPOINT("send.prepare.read");
  if (plan.boxes > 0 && unfinished) TP_CO_TRY(unfinished->finish());
  co_return std::move(plan);
}

asio::awaitable<Status> take_input(EnginePorts ports, ports::Input& input, SendJobRow& row) {
  TakeOptions options;
  options.may_encode = row.layout == Layout::kLetters;
  options.most = row.layout == Layout::kLetters ? kContentMax : kInlineMax;
  options.wrong_size =
      error(Errc::kRefused, "standard input has more than " + std::to_string(options.most) +
                                " bytes, which is all that its channels take");
  Result<TakenContent> taken = co_await take_content(ports, row.id, input, std::move(options));
  Status spooled = taken ? taken->spool.finish() : Status(taken.error());
  if (!spooled) {
    static_cast<void>(ports.files.remove_spool(row.id));  // what stays goes with the next run
    co_return spooled;
  }
  row.plan = std::move(taken->plan);
  row.identity.size = row.plan.usize;
  co_return ok();
}

}  // namespace taubenpost
