#include "engine/bodies.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/hash.h"

namespace taubenpost {
namespace {

// Boxes that follow each other, as far as batches are concerned.
std::uint64_t boxes_per_body(const SendJobRow& job) {
  return job.separate_bodies ? boxes_per_copy(job) : job.plan.boxes;
}

std::uint32_t batches_per_body(const SendJobRow& job) {
  const std::uint64_t boxes = boxes_per_body(job);
  return static_cast<std::uint32_t>((boxes + job.plan.batch_chunks - 1) / job.plan.batch_chunks);
}

}  // namespace

bacap::WriteCap body_of(const SendJobRow& job, std::uint64_t body) {
  if (!job.separate_bodies) return bacap::WriteCap::from_seed(job.plan.body_seed);
  Bytes info = to_bytes(as_bytes("taubenpost body 1"));
  append_be(info, body);
  SecretArray<32> seed;
  crypto::hkdf_blake2b(job.plan.body_seed, /*salt=*/{}, info, seed.writable());
  return bacap::WriteCap::from_seed(seed.view());
}

bacap::WriteCap body_for(const SendJobRow& job, RecipientIndex recipient) {
  return body_of(job, job.separate_bodies ? recipient.value() : 0);
}

std::uint32_t batch_count(const SendJobRow& job) {
  if (job.plan.boxes == 0) return 0;
  return batches_per_body(job) * (job.separate_bodies ? job.recipients : 1);
}

BatchPlace batch_place(const SendJobRow& job, std::uint32_t batch) {
  const std::uint64_t boxes = boxes_per_body(job);
  const std::uint64_t body = batch / batches_per_body(job);
  const std::uint64_t inside = std::uint64_t{batch % batches_per_body(job)} * job.plan.batch_chunks;
  return {.first = body * boxes + inside,
          .count = static_cast<std::uint32_t>(
              std::min<std::uint64_t>(job.plan.batch_chunks, boxes - inside))};
}

std::uint64_t boxes_opened(const SendJobRow& job) {
  if (job.plan.boxes == 0 || job.next_batch == 0) return 0;
  const BatchPlace last = batch_place(job, job.next_batch - 1);
  return last.first + last.count;
}

}  // namespace taubenpost
