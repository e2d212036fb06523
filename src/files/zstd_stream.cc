#include "files/zstd_stream.h"

#include <zstd.h>

#include <algorithm>
#include <string>

namespace taubenpost {
namespace {

constexpr int kLevel = 9;
constexpr int kWindowLogMade = 22;
constexpr int kWindowLogTaken = 23;
constexpr std::size_t kPiece = 128 << 10;

// Parameters of ours that the library knows, and memory for them.
void must(std::size_t result) { TP_CHECK(ZSTD_isError(result) == 0); }

Error refused(const std::string& why) {
  return error(Errc::kRejected, "the compressed content is damaged: " + why,
               "ask the sender to send it again");
}

}  // namespace

// ---- encoding -----------------------------------------------------------------------------------

struct ZstdEncoder::Impl {
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context{ZSTD_createCCtx(), &ZSTD_freeCCtx};
};

ZstdEncoder::ZstdEncoder(std::optional<std::uint64_t> size) : impl_(std::make_unique<Impl>()) {
  ZSTD_CCtx* const context = impl_->context.get();
  TP_CHECK(context != nullptr);
  must(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, kLevel));
  // A known size gives smaller contents a smaller window by itself.
  if (!size || *size > (1ULL << kWindowLogMade))
    must(ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, kWindowLogMade));
  if (size) must(ZSTD_CCtx_setPledgedSrcSize(context, *size));
}

ZstdEncoder::~ZstdEncoder() = default;

Result<Bytes> ZstdEncoder::put(ByteView bytes) { return run(bytes, /*is_end=*/false); }
Result<Bytes> ZstdEncoder::end() { return run({}, /*is_end=*/true); }

Result<Bytes> ZstdEncoder::run(ByteView bytes, bool is_end) {
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  Bytes all;
  std::size_t left = 0;
  do {
    Bytes piece(kPiece);
    ZSTD_outBuffer out{piece.data(), piece.size(), 0};
    left = ZSTD_compressStream2(impl_->context.get(), &out, &in,
                                is_end ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left) != 0)
      return error(Errc::kIo, std::string("compress: ") + ZSTD_getErrorName(left));
    append(all, ByteView(piece).first(out.pos));
  } while (is_end ? left != 0 : in.pos < in.size);
  return all;
}

// ---- decoding -----------------------------------------------------------------------------------

struct ZstdReader::Impl {
  Read read;
  const std::uint64_t size;
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context{ZSTD_createDCtx(), &ZSTD_freeDCtx};
  Bytes encoded{};  // read, and used up to in.pos
  ZSTD_inBuffer in{nullptr, 0, 0};
  std::uint64_t offset = 0;    // of what was read
  std::uint64_t produced = 0;  // bytes
  bool is_complete = false;
};

ZstdReader::ZstdReader(Read read, std::uint64_t size)
    : impl_(std::make_unique<Impl>(Impl{std::move(read), size})) {
  TP_CHECK(impl_->context != nullptr);
  must(ZSTD_DCtx_setParameter(impl_->context.get(), ZSTD_d_windowLogMax, kWindowLogTaken));
}

ZstdReader::~ZstdReader() = default;

Result<Bytes> ZstdReader::next() {
  Impl& it = *impl_;
  // One byte more than is promised, so that a longer content is seen.
  Bytes piece(static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, it.size - it.produced + 1)));
  ZSTD_outBuffer out{piece.data(), piece.size(), 0};
  while (!it.is_complete && out.pos < out.size) {
    const std::size_t left = ZSTD_decompressStream(it.context.get(), &out, &it.in);
    if (ZSTD_isError(left) != 0) return refused(ZSTD_getErrorName(left));
    if (it.produced + out.pos > it.size) return refused("it holds more bytes than promised");
    if (left == 0) {
      if (it.produced + out.pos < it.size) return refused("it holds fewer bytes than promised");
      TP_TRY(end_frame());
    } else if (out.pos < out.size && it.in.pos == it.in.size) {
      TP_TRY(more());
    }
  }
  it.produced += out.pos;
  piece.resize(out.pos);
  return piece;
}

Status ZstdReader::more() {
  Impl& it = *impl_;
  Result<Bytes> read = it.read(it.offset, kPiece);
  if (!read) return read.error();
  if (read->empty()) return refused("it ends too early");
  // The library would step over frames of other kinds, and whoever compares would not see them.
  constexpr std::array<std::uint8_t, 4> kMagic{0x28, 0xb5, 0x2f, 0xfd};
  const bool is_frame =
      read->size() >= kMagic.size() && equal(ByteView(*read).first(kMagic.size()), kMagic);
  if (it.offset == 0 && !is_frame) return refused("it is no zstd frame");
  it.offset += read->size();
  it.encoded = std::move(read).value();
  it.in = {it.encoded.data(), it.encoded.size(), 0};
  return ok();
}

// Nothing may follow, not even another frame.
Status ZstdReader::end_frame() {
  Impl& it = *impl_;
  const Result<Bytes> rest = it.read(it.offset, 1);
  if (!rest) return rest.error();
  if (it.in.pos < it.in.size || !rest->empty()) return refused("there is something behind its end");
  it.is_complete = true;
  return ok();
}

}  // namespace taubenpost
