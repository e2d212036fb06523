// Every kind of work that can be pending at the daemon, in one shape: do it, see what it gave, and
// answer it truly.
//
// A piece of work has a number. Its requests carry the number, the true answer tells it, and the
// caller's result shows it: an answer that reaches the wrong caller is seen.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "support/fake_daemon.h"
#include "support/thin_starts.h"
#include "support/thin_world.h"
#include "thin/client.h"

namespace taubenpost::testing {

enum class Work : std::uint8_t {
  kLocal,
  kBuilder,
  kWrite,
  kRead,
  kCopy,
  kCancel,   // of a write that is at the daemon
  kMessage,  // until the daemon says that it is sent
  kReply,    // a message that is sent, until its reply
  kConnect,
  kRange,  // three tombstones: local calls in a row
};
// What one request does.
inline constexpr Work kAllWork[] = {Work::kLocal,   Work::kBuilder, Work::kWrite,
                                    Work::kRead,    Work::kCopy,    Work::kCancel,
                                    Work::kMessage, Work::kReply,   Work::kConnect};
inline const char* name_of(Work work) {
  constexpr const char* kNames[] = {"local",  "builder", "write", "read",    "copy",
                                    "cancel", "message", "reply", "connect", "range"};
  return kNames[static_cast<std::size_t>(work)];
}

// kNothing: the caller has not returned, or was left by an exception.
enum class Gives : std::uint8_t {
  kNothing,
  kAnswer,
  kTemporary,
  kGone,
  kUnknown,
  kCancelled,
  kOther
};
inline const char* name_of(Gives gives) {
  constexpr const char* kNames[] = {"nothing", "answer",    "temporary",    "gone",
                                    "unknown", "cancelled", "another error"};
  return kNames[static_cast<std::size_t>(gives)];
}
inline Gives gives_of(const Error& failure) {
  switch (failure.code) {
    case Errc::kTemporary:
      return Gives::kTemporary;
    case Errc::kDaemonGone:
      return Gives::kGone;
    case Errc::kOutcomeUnknown:
      return Gives::kUnknown;
    case Errc::kCancelled:
      return Gives::kCancelled;
    default:
      return Gives::kOther;
  }
}

// What the caller of a piece of work got: the number of the answer, or an error.
struct Gave {
  Gives gives = Gives::kNothing;
  std::uint64_t number = 0;
  std::string text;
};
template <class T, class Number>
Gave gave(const Result<T>& result, Number number) {
  if (!result) return {gives_of(result.error()), 0, result.error().what};
  return {Gives::kAnswer, static_cast<std::uint64_t>(number(*result)), {}};
}

inline thin::ServiceId some_service() { return {Bytes32{1}, Bytes{'e'}}; }
inline thin::WriteCap cap_of(std::uint8_t number) { return thin::WriteCap(Bytes(168, number)); }

// --- the caller's side ---
inline boost::asio::awaitable<void> asks(World& world, std::uint8_t number, thin::Limit limit,
                                         Gave& out) {
  thin::BoxIndex index;
  index.fill(number);
  const auto got = co_await world.client.message_box_index_counter(index, limit);
  out = gave(got, [](std::uint64_t counter) { return counter; });
}
inline boost::asio::awaitable<void> builds(World& world, std::uint8_t number, thin::Limit limit,
                                           Gave& out) {
  const thin::WriteCap cap = cap_of(number);
  const Bytes payload(10, number);
  const thin::Destination destination{payload, &cap, {}};
  const auto got =
      co_await world.client.create_courier_envelopes_from_payload(destination, true, true, limit);
  out = gave(got, [](const thin::CopyElements& built) { return built.elements.at(0).at(0); });
}
inline boost::asio::awaitable<void> writes_one(World& world, std::uint8_t number, thin::Limit limit,
                                               Gave& out) {
  Got got;
  co_await writes(world, number, got, limit);
  out = gave(*got, [](const thin::ResendResult& result) { return result.courier->queue_id.at(0); });
}
inline boost::asio::awaitable<void> reads_one(World& world, std::uint8_t number, thin::Limit limit,
                                              Gave& out) {
  Got got;
  co_await reads(world, number, got, limit);
  out = gave(*got, [](const thin::ResendResult& result) { return result.plaintext.at(0); });
}
inline boost::asio::awaitable<void> copies_one(World& world, std::uint8_t number, thin::Limit limit,
                                               Gave& out) {
  const thin::WriteCap cap = cap_of(number);
  const std::vector<thin::ServiceId> couriers = world.client.services("courier");
  const thin::ServiceId courier = couriers.empty() ? some_service() : couriers[0];
  const auto got = co_await world.client.start_copy(cap, courier, limit);
  out = gave(got, [](const thin::CopyResult& result) { return result.failed_envelope; });
}
inline boost::asio::awaitable<void> cancels_one(World& world, std::uint8_t number,
                                                thin::Limit limit, Gave& out) {
  const auto got = co_await world.client.cancel(envelope_of(number).hash, limit);
  out = gave(got, [number](Unit) { return number; });
}
inline boost::asio::awaitable<void> sends_one(World& world, std::uint8_t number, thin::Limit limit,
                                              Gave& out) {
  const Bytes payload(1, number);
  const auto got = co_await world.client.send_message(some_service(), payload, limit);
  out = gave(got, [](const thin::MessageSent& sent) { return *sent.sent_at; });
}
inline boost::asio::awaitable<void> sends_and_waits(World& world, std::uint8_t number,
                                                    thin::Limit limit, Gave& out) {
  const Bytes payload(1, number);
  const auto got = co_await world.client.send_and_wait(some_service(), payload, limit);
  out = gave(got, [](const thin::MessageReply& reply) { return reply.payload.at(0); });
}
inline boost::asio::awaitable<void> connects_one(World& world, std::uint8_t number,
                                                 thin::Limit limit, Gave& out) {
  const auto got = co_await world.client.connect(limit);
  out = gave(got, [number](Unit) { return number; });
}
inline boost::asio::awaitable<void> deletes(World& world, std::uint8_t number, thin::Limit limit,
                                            Gave& out) {
  const thin::WriteCap cap = cap_of(number);
  const auto got = co_await world.client.tombstone_range(cap, {}, 3, limit);
  out = gave(got, [](const thin::TombstoneRange& range) { return range.envelopes.at(2).hash[0]; });
}

// Does one piece of work; `out` holds what came of it. kCancel is the cancel alone: the write is
// the caller's.
inline boost::asio::awaitable<void> does(World& world, Work work, std::uint8_t number,
                                         thin::Limit limit, Gave& out) {
  using Doing = boost::asio::awaitable<void> (*)(World&, std::uint8_t, thin::Limit, Gave&);
  constexpr Doing kDoing[] = {asks,        builds,    writes_one,      reads_one,    copies_one,
                              cancels_one, sends_one, sends_and_waits, connects_one, deletes};
  return kDoing[static_cast<std::size_t>(work)](world, number, limit, out);
}

// --- the daemon's side ---

// A request's key, in a word: what a trace of requests is made of.
inline std::string word_of(const wire::Request& request) {
  const std::string_view key = std::visit([](const auto& kind) { return kind.kKey; }, request);
  constexpr std::pair<std::string_view, const char*> kWords[] = {
      {wire::GetMessageBoxIndexCounter::kKey, "ask"},
      {wire::CreateCourierEnvelopesFromPayload::kKey, "build"},
      {Start::kKey, "start"},
      {CopyStart::kKey, "copy"},
      {Cancel::kKey, "cancel"},
      {CopyCancel::kKey, "cancel"},
      {wire::SendMessage::kKey, "send"}};
  for (const auto& [of, word] : kWords)
    if (key == of) return word;
  return std::string(key);
}

namespace internal {

// The frames that answer a request truly, in order. A message has two.
struct TrueAnswer {
  using Frames = std::vector<wire::Response>;
  template <class Reply>
  static Frames reply(const wire::Id16& query, Reply reply) {
    reply.query_id = query;
    return {std::move(reply)};
  }
  Frames operator()(const wire::GetMessageBoxIndexCounter& request) {
    return reply(request.query_id,
                 wire::GetMessageBoxIndexCounterReply{{}, request.message_box_index->at(0), 0});
  }
  Frames operator()(const wire::CreateCourierEnvelopesFromPayload& request) {
    wire::CreateCourierEnvelopesFromPayloadReply built;
    built.envelopes.emplace().emplace_back(Bytes(5, request.payload->at(0)));
    built.next_dest_index.emplace();
    return reply(request.query_id, built);
  }
  Frames operator()(const Start& request) {
    StartReply done = with_code(0);
    done.courier_queue_id = Bytes{request.envelope_hash->at(0)};
    if (request.read_cap) done.plaintext = Bytes{request.envelope_hash->at(0)};
    return reply(request.query_id, done);
  }
  Frames operator()(const CopyStart& request) {
    CopyReply failed;
    failed.error_code = 26;
    failed.failed_envelope_index.value = request.write_cap->at(0);
    return reply(request.query_id, failed);
  }
  Frames operator()(const Cancel& request) { return reply(request.query_id, CancelReply{}); }
  Frames operator()(const wire::EncryptWrite& request) {
    wire::EncryptWriteReply made;
    made.message_ciphertext = made.envelope_descriptor = Bytes(5, request.write_cap->at(0));
    made.envelope_hash.emplace().fill(request.write_cap->at(0));
    made.next_message_box_index.emplace();
    return reply(request.query_id, made);
  }
  Frames operator()(const CopyCancel& request) {
    return reply(request.query_id, CopyCancelReply{});
  }
  Frames operator()(const wire::SendMessage& request) {
    wire::MessageSentEvent sent;
    sent.surbid = request.surbid;
    sent.sent_at = request.payload->at(0);
    sent.reply_eta = 1'000'000'000;
    wire::MessageReplyEvent answered;
    answered.surbid = request.surbid;
    answered.payload = request.payload;
    return {sent, answered};
  }
  template <class Other>
  Frames operator()(const Other&) {
    throw std::runtime_error("nobody asked for that here");
  }
};

}  // namespace internal

inline std::vector<wire::Response> answers_to(const wire::Request& request) {
  return std::visit(internal::TrueAnswer{}, request);
}

// Greets and answers truly, connection after connection, with one session; `at` is the connection
// of the moment. Never ends: for run_beside().
inline boost::asio::awaitable<void> is_honest(World& world, FakeConnectionPtr& at) {
  Greeting greeting;
  std::vector<wire::Response> replies;  // of services; a resumed session has them still
  while (true) {
    at = co_await world.daemon.accept();
    try {
      co_await greet(at, greeting);
    } catch (const std::runtime_error&) {
      continue;  // the client has hung up
    }
    greeting.resumed = true;
    for (const wire::Response& reply : replies) co_await at->send(reply);
    while (true) {
      const std::optional<wire::Request> request = co_await at->receive_unless_ended();
      if (!request) break;
      if (std::holds_alternative<wire::ThinClose>(*request)) continue;
      const std::vector<wire::Response> answers = answers_to(*request);
      if (answers.size() > 1) replies.push_back(answers[1]);
      for (const wire::Response& answer : answers) co_await at->send(answer);
    }
  }
}

// Bytes that end the connection: no frame, no CBOR, no response, or an impossible one.
inline std::vector<Bytes> garbage() {
  auto status = std::get<wire::ConnectionStatusEvent>(status_event({}));
  status.pigeonhole_geometry->max_plaintext_payload_length = -1;
  Bytes deep(40, 0x81);
  deep[0] = deep[1] = deep[2] = 0;
  deep[3] = 36;
  Bytes trailing = frame_of(wire::ShutdownEvent{});
  trailing.push_back(0xf6);
  ++trailing[3];
  return {
      {0, 0, 0, 0},                                      // an empty frame
      {0x02, 0x80, 0x00, 0x01, 0xa0},                    // a byte more than 40 MiB
      {0xff, 0xff, 0xff, 0xff},                          // 4 GiB
      {0, 0, 0, 1, 0x80},                                // an array
      {0, 0, 0, 3, 0xff, 0xff, 0xff},                    // not CBOR
      {0, 0, 0, 5, 0x9a, 0xff, 0xff, 0xff, 0xff},        // four thousand million elements
      {0, 0, 0, 9, 0x5b, 0x7f, 0, 0, 0, 0, 0, 0, 0xff},  // a byte string of 2^63 bytes
      deep,
      trailing,          // bytes after the item
      frame_of(status),  // a geometry that no daemon has
  };
}

// Frames that mean nothing to a caller whose request has this id.
inline std::vector<wire::Response> noise(const wire::Id16& query) {
  std::vector<wire::Response> frames{session_reply(true),
                                     session_reply(false),
                                     wire::UnknownResponse{},
                                     wire::MessageIdGarbageCollected{query},
                                     wire::NewPkiDocumentEvent{Bytes{0xff}},
                                     wire::NewPkiDocumentEvent{},
                                     status_event({}),
                                     document_event(true)};
  for (const wire::Id16& nobody : {wire::Id16(), wire::Id16(Bytes16{})}) {
    frames.push_back(wire::GetMessageBoxIndexCounterReply{nobody, 99, 0});
    StartReply done = with_code(0);
    done.query_id = nobody;
    frames.push_back(done);
    frames.push_back(CopyReply{nobody, 26, {}, {}});
    frames.push_back(CancelReply{nobody, 0});
    wire::MessageSentEvent sent;
    sent.surbid = nobody;
    frames.push_back(sent);
    frames.push_back(wire::MessageReplyEvent{{}, nobody, Bytes{99}, {}, 0});
  }
  return frames;
}

template <class Kind>
boost::asio::awaitable<void> until(std::shared_ptr<thin::Subscription> events) {
  while (true) {
    const thin::Event event = must(co_await events->next(std::chrono::milliseconds(100'000)));
    if (std::holds_alternative<Kind>(event)) co_return;
  }
}

// The request without its query id: what a repetition must have in common with the first one.
inline Bytes nameless(wire::Request request) {
  std::visit(
      [](auto& kind) {
        if constexpr (requires { kind.query_id; }) kind.query_id.reset();
      },
      request);
  return to_bytes(must(wire::encode_request(request)).view());
}

}  // namespace taubenpost::testing
