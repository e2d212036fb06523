#include "localnet/copy_job.h"

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include "bacap/copy_stream.h"
#include "bacap/padding.h"
#include "localnet/verdicts.h"

namespace taubenpost::localnet {
struct CopyJob::Stream {
  Stream(const bacap::ReadCap& read_cap, const bacap::Geometry& geometry)
      : cap(read_cap),
        index(read_cap.index()),
        decoder(geometry.box_payload_max(), geometry.courier_query()) {}

  // Feeds the box at the current index and moves on; false if it does not verify, decrypt or
  // decode.
  bool take(const Box& box) {
    const auto opened = bacap::open_box(box_id, index, box);
    if (opened.error != bacap::OpenError::kNone) return false;
    const auto content = bacap::unpad(opened.plaintext);
    const auto next = index.next();
    if (!content || !next) return false;
    index = next.value();
    auto step = decoder.feed(content.value());
    for (auto& envelope : step.envelopes)
      envelopes.push_back(std::make_shared<bacap::CourierEnvelope>(std::move(envelope)));
    return !step.failed;
  }

  const bacap::ReadCap cap;
  bacap::MessageBoxIndex index;  // of the next box to read
  BoxId box_id{};                // its id
  bacap::CopyStreamDecoder decoder;
  std::deque<std::shared_ptr<const bacap::CourierEnvelope>> envelopes;  // not yet dispatched
};

Milliseconds copy_backoff(int attempts_made) {
  constexpr std::array kFirst{500, 1'000, 2'000, 4'000, 8'000};
  const auto index = static_cast<std::size_t>(attempts_made - 1);
  return Milliseconds(index < kFirst.size() ? kFirst[index] : 10'000);
}

CopyJob::CopyJob(Scheduler& scheduler, ReplicaPort& replicas, const bacap::Geometry& geometry,
                 ByteView write_cap, Done done, CopyLimits limits)
    : scheduler_(scheduler),
      replicas_(replicas),
      geometry_(geometry),
      limits_(limits),
      command_(write_cap),
      done_(std::move(done)) {}

CopyJob::~CopyJob() { scheduler_.cancel(timer_); }

void CopyJob::start() { post(&CopyJob::begin); }

void CopyJob::begin() {
  const auto write_cap = bacap::WriteCap::parse(command_.view());
  if (!write_cap) return finish({});
  stream_ = std::make_unique<Stream>(write_cap->read_cap(), geometry_);
  next_box();
}

void CopyJob::next_box() {
  if (boxes_read_ >= limits_.boxes || applied_ >= limits_.envelopes) return fail(0);
  const auto id = bacap::box_id(stream_->cap.root_key(), stream_->index);
  if (!id) return fail(0);
  stream_->box_id = id.value();
  shards_ = replicas_.shards_of(stream_->box_id);
  shard_ = 0;
  attempts_made_ = 0;
  last_code_ = ReplicaCode::kSuccess;
  read_box();
}

void CopyJob::read_box() {
  if (shard_ >= shards_.size()) return fail(static_cast<std::uint8_t>(last_code_));
  ++attempts_made_;
  const std::uint64_t attempt = new_attempt();
  const bool queued = replicas_.read_box(
      shards_[shard_], stream_->box_id,
      [weak = weak_from_this(), attempt](std::optional<ReplicaStore::ReadResult> answer) {
        const auto self = weak.lock();
        if (self != nullptr && self->attempt_ == attempt) self->on_read(std::move(answer));
      });
  if (!queued) return read_again();
  wait(kCopyReplyTimeout, &CopyJob::read_again);
}

void CopyJob::on_read(std::optional<ReplicaStore::ReadResult> answer) {
  new_attempt();
  if (!answer) return read_again();
  if (answer->code == ReplicaCode::kSuccess) return take_box(answer->box);
  last_code_ = answer->code;
  if (is_temporary_for_copy(answer->code)) return read_again();
  next_shard();
}

void CopyJob::read_again() {
  new_attempt();
  if (attempts_made_ >= kCopyAttemptsMax) return next_shard();
  wait(copy_backoff(attempts_made_), &CopyJob::read_box);
}

void CopyJob::next_shard() {
  ++shard_;
  attempts_made_ = 0;
  read_box();
}

void CopyJob::take_box(const Box& box) {
  ++boxes_read_;
  if (!stream_->take(box)) return fail(0);
  next_envelope();
}

void CopyJob::next_envelope() {
  if (!stream_->envelopes.empty()) {
    attempts_made_ = 0;
    return dispatch();
  }
  if (stream_->decoder.saw_final()) return finish({true, 0, 0, boxes_read_});
  post(&CopyJob::next_box);
}

void CopyJob::dispatch() {
  ++attempts_made_;
  replies_.clear();
  const std::uint64_t attempt = new_attempt();
  const auto on_reply = [weak = weak_from_this(), attempt](const ReplicaReply& reply) {
    const auto self = weak.lock();
    if (self != nullptr && self->attempt_ == attempt) self->on_reply(reply.code);
  };
  const auto& envelope = stream_->envelopes.front();
  for (const std::size_t half : {0, 1})
    if (!replicas_.send(envelope->intermediates[half], ReplicaMessage{envelope, half}, on_reply))
      return dispatch_again();
  wait(kCopyReplyTimeout, &CopyJob::judge_replies);
}

void CopyJob::on_reply(ReplicaCode code) {
  replies_.push_back(code);
  if (replies_.size() == 2) judge_replies();
}

// One shard that took the write is enough. Otherwise every code is final here, unlike when reading;
// only silence is tried again.
void CopyJob::judge_replies() {
  new_attempt();
  if (replies_.empty()) return dispatch_again();
  const auto has = [this](ReplicaCode code) {
    return std::find(replies_.begin(), replies_.end(), code) != replies_.end();
  };
  if (!has(ReplicaCode::kSuccess)) {
    const auto conflict = ReplicaCode::kBoxAlreadyExists;
    return fail(static_cast<std::uint8_t>(has(conflict) ? conflict : replies_.front()));
  }
  ++applied_;
  stream_->envelopes.pop_front();
  post(&CopyJob::next_envelope);
}

void CopyJob::dispatch_again() {
  new_attempt();
  if (attempts_made_ >= kCopyAttemptsMax) return fail(0);
  wait(copy_backoff(attempts_made_), &CopyJob::dispatch);
}

void CopyJob::fail(std::uint8_t code) { finish({false, code, applied_ + 1, boxes_read_}); }

void CopyJob::finish(CopyOutcome outcome) {
  new_attempt();
  stream_.reset();
  // The owner may drop the job from inside the call.
  if (const auto done = std::exchange(done_, nullptr)) done(outcome);
}

std::uint64_t CopyJob::new_attempt() {
  scheduler_.cancel(std::exchange(timer_, 0));
  return ++attempt_;
}

void CopyJob::post(Step step) {
  scheduler_.post([weak = weak_from_this(), step] {
    if (const auto self = weak.lock()) ((*self).*step)();
  });
}

void CopyJob::wait(Milliseconds delay, Step step) {
  timer_ = scheduler_.after(delay, [weak = weak_from_this(), step] {
    if (const auto self = weak.lock()) ((*self).*step)();
  });
}

}  // namespace taubenpost::localnet
