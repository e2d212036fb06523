// Accepting a send job: the request is durable when this returns, and nothing was read yet but the
// identity of the source; or all of an input, which can't be read later.
//
// With an idempotency key the same request gives the same job, however often and after whatever
// crash: the id of the job comes from the key, and a job is created in one commit.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/ports.h"
#include "ports/input.h"

namespace taubenpost {

struct SendRequest {
  std::vector<std::string> sources{};  // absolute paths; one regular file, or an archive is made
  std::vector<std::string> to{};       // names of outgoing channels, at least one, no duplicates
  std::string note{};                  // at most 512 bytes
  std::string name{};              // what recipients see; empty: the base name of the first source
  int priority = 0;                // -kPriorityMax to kPriorityMax
  std::uint64_t not_before = 0;    // Unix seconds, or 0
  bool allow_expiry_risk = false;  // queue what may age out before its recipients have it
  std::string key{};               // idempotency key, at most 255 bytes of UTF-8, or empty
  std::uint64_t deadline = 0;      // Unix seconds, or 0; later than now and `not_before`
  std::uint32_t window = 0;        // writes in flight, at most 16; 0: as many as the engine has
  Way transport = Way::kCopy;
  bool choose_transport = false;  // the faster way, when the job is planned
  Way commit = Way::kCopy;
  bool separate_bodies = false;  // a body for each recipient; not for inline channels
  std::uint64_t expire = 0;      // seconds after its letters were decided until it is retracted
  bool in_place = false;         // the one source is no archive, and is not copied into the spool
  // The content instead of sources; `name` is not empty then. Read to its end before the job is
  // queued, unless its key is known; on an error, and while it has not ended, nothing is queued.
  ports::Input* input = nullptr;
};

// Errors: kNotFound (source, channel), kSourceUnreadable, kUsage (what can't be sent, an incoming
// channel, a duplicate, an impossible name, inline channels beside others), kRefused (a channel of
// another network; more than an inline channel takes; a key that was
// used for other sources, other recipients or another note; more than can be uploaded in time:
// forecast.h); of an input its own, and kDiskFull.
boost::asio::awaitable<Result<JobId>> enqueue_send(EnginePorts ports, SendRequest request);

// What makes a recipient of a job, here and wherever one is added. Errors as above.
Result<std::vector<ChannelRow>> outgoing_channels(const ports::Store& store,
                                                  const std::vector<std::string>& names);
RecipientRow new_recipient(JobId job, std::uint32_t index, const ChannelRow& channel);
// A job without recipients and without a source yet.
SendJobRow empty_send_job(const EnginePorts& ports, std::string name, std::string note);
// A job without recipients yet, of the sources as they are now. kNotFound, kSourceUnreadable,
// kUsage (what can't be sent).
Result<SendJobRow> new_send_job(const EnginePorts& ports, std::vector<std::string> sources,
                                std::string name, std::string note);
std::vector<std::string> sources_of(const SendJobRow& job);
// The job that has this key.
Result<std::optional<SendJobRow>> job_of_key(const ports::Store& store, const std::string& key);

}  // namespace taubenpost
