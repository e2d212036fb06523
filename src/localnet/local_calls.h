// The daemon's local calls: no network, one request in, one reply out (thin-protocol 3.2 to 3.4,
// 3.9 to 3.15). Those about vouchers are in voucher_calls.h.
//
// Requests come decoded; what they hold is outside data all the same. Every violation is an error
// code in the reply.
#pragma once

#include <memory>
#include <optional>

#include "localnet/context.h"
#include "localnet/envelopes.h"
#include "wire/messages.h"
#include "wire/replies.h"

namespace taubenpost::localnet {

wire::Response answer(const Context& context, const wire::NewKeypair& request);
wire::Response answer(const Context& context, const wire::EncryptRead& request);
wire::Response answer(const Context& context, const wire::EncryptWrite& request);
wire::Response answer(const Context& context, const wire::NextMessageBoxIndex& request);
wire::Response answer(const Context& context, const wire::GetMessageBoxIndexCounter& request);
wire::Response answer(const Context& context, const wire::GetPkiDocument& request);
wire::Response answer(const Context& context, const wire::GetDirectoryAuthorities& request);

// The envelope builders take many steps. plan_stream() checks the request: either it is answered
// already (an error, or nothing to build), or there is a builder to drive until it is done, and
// stream_reply() makes the reply of it.
struct StreamPlan {
  std::unique_ptr<StreamBuilder> builder;  // null: `reply` is final
  wire::Response reply;
};
StreamPlan plan_stream(const Context& context, wire::CreateCourierEnvelopesFromPayload request);
StreamPlan plan_stream(const Context& context,
                       wire::CreateCourierEnvelopesFromMultiPayload request);
StreamPlan plan_stream(const Context& context,
                       wire::CreateCourierEnvelopesFromTombstoneRange request);
wire::Response stream_reply(StreamPlan plan, StreamBuilder::Progress progress);

// The reply of the kind that the request named by `key` has, with an error code and nothing else;
// nothing if requests of that kind have no reply.
std::optional<wire::Response> error_reply(std::string_view key, const wire::Id16& query_id,
                                          std::uint8_t code);

}  // namespace taubenpost::localnet
