// Where the boxes of a planned job are: in which sequences, and which of them each batch writes.
//
// The boxes of a job are counted through all of its sequences, one behind the other. Letters have
// one body for all recipients, or a body for each. The content of an inline job is in the channels
// of its recipients; its batches write to all of them at once (inline_content.h), so for them it is
// like one body.
#pragma once

#include <cstdint>

#include "bacap/capability.h"
#include "model/rows.h"

namespace taubenpost {

// How often the content is written.
inline std::uint32_t copies_of(const SendJobRow& job) {
  return job.layout == Layout::kInline || job.separate_bodies ? job.recipients : 1;
}
// Boxes of one copy. The job is planned, and has boxes.
inline std::uint64_t boxes_per_copy(const SendJobRow& job) {
  return job.plan.boxes / copies_of(job);
}

// Body number `body`, of a job of letters: that of recipient `body` if each has their own. Seeds of
// those are derived from the plan's (schema/store.md).
bacap::WriteCap body_of(const SendJobRow& job, std::uint64_t body);
// The body that the letter to this recipient is about.
bacap::WriteCap body_for(const SendJobRow& job, RecipientIndex recipient);

// Boxes [first, first + count) of the job.
struct BatchPlace {
  std::uint64_t first = 0;
  std::uint32_t count = 0;
};
// Batches of the upload; 0 where the content is in the letter. None reaches into another body.
std::uint32_t batch_count(const SendJobRow& job);
BatchPlace batch_place(const SendJobRow& job, std::uint32_t batch);
// Boxes in batches that were opened.
std::uint64_t boxes_opened(const SendJobRow& job);

}  // namespace taubenpost
