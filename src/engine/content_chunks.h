// ContentChunks: the content of a planned send job, chunk by chunk, as its boxes carry it.
//
// It comes from the sealed spool; or from the source itself, where that is read in place: then the
// spool has a digest of each slice, and no byte of a slice is given out that is not what it was
// when the job was planned.
#pragma once

#include "model/spooled.h"
#include "ports/files.h"

namespace taubenpost {

class ContentChunks {
 public:
  // `files` outlives this.
  ContentChunks(const SendJobRow& job, ports::Files& files)
      : job_(job),
        chunk_(chunk_size(ByteSize{job.plan.box_max}).value()),
        shape_(spool_shape(job)),
        files_(files) {}

  // Errors: kInvalid, the spool is damaged; kSourceChanged, kSourceUnreadable, kNotFound of a
  // source that is read in place.
  Result<Bytes> read(std::uint64_t first, std::uint32_t count) const;

 private:
  Result<Bytes> slice(std::uint64_t number) const;
  Result<Bytes> spooled(std::uint64_t number) const;
  Result<Bytes> in_place(std::uint64_t number) const;

  const SendJobRow job_;
  const std::uint64_t chunk_;
  const SpoolShape shape_;
  ports::Files& files_;
};

}  // namespace taubenpost
