#include "engine/take_content.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "crypto/hash.h"
#include "model/spooled.h"

namespace taubenpost {
namespace asio = boost::asio;
namespace {

constexpr std::size_t kSample = 1 << 20;
constexpr std::uint64_t kPaysBelow = 95;  // percent of what there was

class Taking {
 public:
  Taking(EnginePorts ports, JobId job, ports::Input& input, TakeOptions options)
      : ports_(ports),
        input_(input),
        options_(std::move(options)),
        taken_{{}, {}, ContentSpool(ports.files, job)} {}

  asio::awaitable<Result<TakenContent>> run() {
    if (options_.may_encode) {
      Status chosen = co_await choose_encoding();
      if (!chosen) co_return chosen.error();
    }
    SendPlan& plan = taken_.plan;
    crypto::Blake2b256 udigest;
    for (;;) {
      const Result<Bytes> piece = co_await next();
      if (!piece) co_return piece.error();
      if (piece->empty()) break;
      plan.usize += piece->size();
      if (plan.usize > options_.size.value_or(options_.most)) co_return options_.wrong_size;
      udigest.update(*piece);
      const Result<Bytes> encoded = encoder_ ? encoder_->put(*piece) : *piece;
      if (!encoded) co_return encoded.error();
      TP_CO_TRY(put(*encoded));
      co_await let_others();
    }
    if (options_.size && plan.usize != *options_.size) co_return options_.wrong_size;
    if (encoder_) {
      const Result<Bytes> rest = encoder_->end();
      if (!rest) co_return rest.error();
      TP_CO_TRY(put(*rest));
    }
    plan.digest = digest_.finish();
    plan.udigest = udigest.finish();
    co_return std::move(taken_);
  }

 private:
  asio::awaitable<void> let_others() { co_await ports_.clock.sleep(std::chrono::milliseconds(0)); }

  // A slice at most: of the sample again, then of what comes behind it.
  asio::awaitable<Result<Bytes>> next() {
    if (at_ < sample_.size()) {
      const ByteView left = ByteView(sample_).subspan(at_);
      const ByteView piece = left.first(std::min<std::size_t>(kSpoolSlice, left.size()));
      at_ += piece.size();
      co_return to_bytes(piece);
    }
    sample_ = {};
    at_ = 0;
    if (has_ended_) co_return Bytes();
    co_return co_await input_.read(kSpoolSlice);
  }

  asio::awaitable<Status> choose_encoding() {
    while (sample_.size() < kSample && !has_ended_) {
      const Result<Bytes> piece = co_await input_.read(kSpoolSlice);
      if (!piece) co_return piece.error();
      has_ended_ = piece->empty();
      append(sample_, *piece);
    }
    const auto trial = ports_.files.encoder(sample_.size());
    std::uint64_t size = 0;
    for (std::size_t at = 0; at < sample_.size(); at += kSpoolSlice) {
      const ByteView left = ByteView(sample_).subspan(at);
      const Result<Bytes> encoded =
          trial->put(left.first(std::min<std::size_t>(kSpoolSlice, left.size())));
      if (!encoded) co_return encoded.error();
      size += encoded->size();
      co_await let_others();
    }
    const Result<Bytes> rest = trial->end();
    if (!rest) co_return rest.error();
    size += rest->size();
    if (size * 100 >= sample_.size() * kPaysBelow) co_return ok();
    taken_.plan.encoding = Encoding::kZstd;
    std::optional<std::uint64_t> all = options_.size;
    if (has_ended_ && !all) all = sample_.size();
    encoder_ = ports_.files.encoder(all);
    co_return ok();
  }

  Status put(ByteView bytes) {
    std::uint64_t& size = taken_.plan.size;
    size += bytes.size();
    digest_.update(bytes);
    if (size < kSpoolSlice) append(taken_.small, bytes);
    if (size >= kSpoolSlice) taken_.small = {};
    if (!options_.in_place) return taken_.spool.append(bytes);
    TP_CHECK(!has_short_slice_);  // only the last may be
    has_short_slice_ = bytes.size() < kSpoolSlice;
    return taken_.spool.append(crypto::blake2b_256(bytes));
  }

  EnginePorts ports_;
  ports::Input& input_;
  const TakeOptions options_;
  Bytes sample_;
  std::size_t at_ = 0;  // of the sample
  bool has_ended_ = false;
  bool has_short_slice_ = false;
  std::unique_ptr<ports::Encoder> encoder_;  // none: as it is
  crypto::Blake2b256 digest_;
  TakenContent taken_;
};

}  // namespace

Status ContentSpool::append(ByteView bytes) {
  taubenpost::append(pending_, bytes);
  std::size_t at = 0;
  for (; pending_.size() - at >= kSpoolSlice; at += kSpoolSlice)
    TP_TRY(write(ByteView(pending_).subspan(at, kSpoolSlice)));
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(at));
  return ok();
}

Status ContentSpool::finish() {
  TP_TRY(write(pending_));
  return writer_->finish();
}

Status ContentSpool::write(ByteView slice) {
  if (!writer_) {
    Result<std::unique_ptr<ports::SpoolWriter>> created = files_.create_spool(job_);
    if (!created) return created.error();
    writer_ = std::move(created).value();
  }
  return slice.empty() ? ok() : writer_->append_slice(slice);
}

asio::awaitable<Result<TakenContent>> take_content(EnginePorts ports, JobId job,
                                                   ports::Input& input, TakeOptions options) {
  Taking taking(ports, job, input, std::move(options));
  co_return co_await taking.run();
}

}  // namespace taubenpost
