// Reads, writes and copies of tests: small envelopes by number, and the daemon's answers to them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>

#include "support/fake_daemon.h"
#include "support/thin_world.h"
#include "thin/client.h"

namespace taubenpost::testing {

using Start = wire::StartResendingEncryptedMessage;
using StartReply = wire::StartResendingEncryptedMessageReply;
using Cancel = wire::CancelResendingEncryptedMessage;
using CancelReply = wire::CancelResendingEncryptedMessageReply;
using CopyStart = wire::StartResendingCopyCommand;
using CopyReply = wire::StartResendingCopyCommandReply;
using CopyCancel = wire::CancelResendingCopyCommand;
using CopyCancelReply = wire::CancelResendingCopyCommandReply;

inline thin::Envelope envelope_of(std::uint8_t number) {
  thin::Envelope envelope;
  envelope.ciphertext = Bytes(100, number);
  envelope.descriptor = SecretBytes(Bytes(50, number));
  envelope.hash.fill(number);
  return envelope;
}
inline thin::WriteCap some_cap() { return thin::WriteCap(Bytes(168, 1)); }
inline Greeting resumed() {
  Greeting greeting;
  greeting.resumed = true;
  return greeting;
}
inline Greeting restarted() {
  Greeting greeting;
  greeting.instance = Bytes16{2};
  return greeting;
}
inline StartReply with_code(std::uint8_t code) {
  StartReply reply;
  reply.error_code = code;
  reply.courier_identity_hash = Bytes32{5};
  reply.courier_queue_id = Bytes{'c'};
  return reply;
}

// The daemon gets a start, is lost, and comes back with a greeting.
struct CameBack {
  FakeConnectionPtr connection;
  Start start;
};
inline boost::asio::awaitable<CameBack> lost_after_a_start(World& world, Greeting greeting) {
  const FakeConnectionPtr first = co_await world.daemon.accept_and_greet({});
  Start start = co_await first->receive_a<Start>();
  first->close();
  const FakeConnectionPtr second = co_await world.daemon.accept_and_greet(std::move(greeting));
  CameBack back{second, std::move(start)};
  co_return back;
}

using Got = std::optional<Result<thin::ResendResult>>;

inline boost::asio::awaitable<void> writes(World& world, std::uint8_t number, Got& got,
                                           thin::Limit limit = thin::kDefaultLimit) {
  const thin::Envelope envelope = envelope_of(number);
  const thin::WriteCap cap = some_cap();
  const thin::WriteOptions options;
  got.emplace(co_await world.client.start_write(envelope, cap, options, limit));
}
inline boost::asio::awaitable<void> reads(World& world, std::uint8_t number, Got& got,
                                          thin::Limit limit = thin::kDefaultLimit) {
  const thin::Envelope envelope = envelope_of(number);
  const thin::ReadOptions options;
  got.emplace(co_await world.client.start_read(envelope, thin::ReadCap{}, thin::BoxIndex{}, options,
                                               limit));
}

}  // namespace taubenpost::testing
