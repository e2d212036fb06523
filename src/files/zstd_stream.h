// ZstdEncoder and ZstdReader: one zstd frame, made or undone piece by piece, in bounded memory.
//
// What is made has no checksum (digests of their own guard both forms), no dictionary, and a window
// of at most 4 MiB. What is undone is somebody else's: it must be one frame that needs no more than
// 8 MiB of window and no dictionary, with nothing behind it, of exactly the promised length; no
// byte is made beyond that one that shows the promise broken. The only user of libzstd.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "ports/files.h"

namespace taubenpost {

class ZstdEncoder : public ports::Encoder {
 public:
  // `size`: of all that will be put, where that is known; it makes small content smaller still.
  explicit ZstdEncoder(std::optional<std::uint64_t> size);
  ~ZstdEncoder() override;

  Result<Bytes> put(ByteView bytes) override;
  Result<Bytes> end() override;

 private:
  struct Impl;
  Result<Bytes> run(ByteView bytes, bool is_end);
  std::unique_ptr<Impl> impl_;
};

class ZstdReader {
 public:
  // Of the encoded bytes: up to `length` of them, none at their end.
  using Read = std::function<Result<Bytes>(std::uint64_t offset, std::size_t length)>;

  // `size`: of what must come out.
  ZstdReader(Read read, std::uint64_t size);
  ~ZstdReader();
  ZstdReader(const ZstdReader&) = delete;
  ZstdReader& operator=(const ZstdReader&) = delete;

  // The next piece, at most 128 KiB; empty at the end, which is where it must be. kRejected says
  // what is wrong with the frame. Errors of `read`.
  Result<Bytes> next();

 private:
  struct Impl;
  Status more();
  Status end_frame();
  std::unique_ptr<Impl> impl_;
};

}  // namespace taubenpost
