// A request that is ready to go: encoded once, sent any number of times under fresh query ids.
//
// A message is told apart by the id of its reply block, which stands for its query id.
//
// Requests hold capabilities, seeds and descriptors. Here they are only in SecretBytes, and the
// message that a draft is made from is wiped.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "wire/frame.h"

namespace taubenpost::thin {

using QueryId = Bytes16;

// Overwrites every byte string of a message, request or reply.
template <class Message>
void wipe_message(Message& message);

namespace internal {

struct Wiper {
  template <class T>
  void operator()(std::string_view, T& field) {
    wipe_field(field);
  }
  void wipe_field(Bytes& field) { wipe(field); }
  template <std::size_t N>
  void wipe_field(std::array<std::uint8_t, N>& field) {
    wipe(field);
  }
  template <class T>
  void wipe_field(std::optional<T>& field) {
    if (field) wipe_field(*field);
  }
  template <class T>
  void wipe_field(std::vector<T>& field) {
    for (T& item : field) wipe_field(item);
  }
  template <class T>
  void wipe_field(wire::Omitted<T>& field) {
    wipe_field(field.value);
  }
  void wipe_field(wire::DestinationPayload& field) { wipe_message(field); }
  template <class T>
  void wipe_field(T&) {}  // numbers, flags and texts hold no secrets
};

}  // namespace internal

template <class Message>
void wipe_message(Message& message) {
  internal::Wiper wiper;
  Message::fields(message, wiper);
}

class Draft {
 public:
  // Encodes `request`, and wipes it. kRejected if the frame would be larger than the protocol
  // allows.
  template <class Request>
    requires std::is_rvalue_reference_v<Request&&>
  static Result<Draft> make(Request&& request) {
    const QueryId placeholder = fresh_query();
    if constexpr (std::is_same_v<Request, wire::SendMessage>)
      request.surbid = placeholder;
    else
      request.query_id = placeholder;
    wire::Request message(std::move(request));
    wipe_message(request);  // a move leaves arrays behind
    Result<Draft> draft = encode(message, placeholder);
    std::visit([](auto& kind) { wipe_message(kind); }, message);
    return draft;
  }

  static QueryId fresh_query();
  // The whole frame, under this query id.
  SecretBytes frame(const QueryId& query) const;

 private:
  Draft(SecretBytes encoded, std::size_t query_offset)
      : encoded_(std::move(encoded)), query_offset_(query_offset) {}
  static Result<Draft> encode(const wire::Request& message, const QueryId& placeholder);

  SecretBytes encoded_;
  std::size_t query_offset_;
};

}  // namespace taubenpost::thin
