// What all calls of the client share: their limits, and how a reply becomes a value or an error.
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <utility>
#include <variant>

#include "base/error.h"
#include "base/secret.h"
#include "thin/options.h"
#include "thin/wait.h"
#include "wire/frame.h"

namespace taubenpost::thin {

inline constexpr Limit kConnectLimit{120'000};
inline constexpr Limit kLocalLimit{60'000};
inline constexpr Limit kEnvelopeLimit{10'000};  // more for each envelope (thin-protocol 8.6)

inline Limit builder_limit(std::uint64_t boxes) {
  return kLocalLimit + kEnvelopeLimit * static_cast<Limit::rep>(boxes);
}

inline TimePoint deadline_of(Limit limit, Limit fallback) {
  return deadline_after(limit == kDefaultLimit ? fallback : limit);
}

inline Error wrong(std::string what) { return error(Errc::kRejected, std::move(what)); }

// How many tombstones one call may make: 1 to 1,000 (thin-protocol 8.3).
Status check_tombstones(std::uint32_t count);

inline Error caller_cancelled() { return error(Errc::kCancelled, "the caller was cancelled"); }

inline Error incomplete(const char* call) {
  return error(Errc::kInvalid, std::string(call) + ": the daemon's reply lacks a field");
}

// What a code other than 0 means for a local call (thin-protocol 5.4).
Error code_error(const char* call, std::uint8_t code);

// The reply of the expected kind with code 0.
template <class Reply>
Result<Reply> expect(const char* call, Result<wire::Response> response) {
  if (!response) return response.error();
  auto* reply = std::get_if<Reply>(&*response);
  if (reply == nullptr)
    return error(Errc::kInvalid, std::string(call) + ": the daemon sent a reply of another kind");
  if (reply->error_code != 0) return code_error(call, reply->error_code);
  return std::move(*reply);
}

template <std::size_t N>
std::array<std::uint8_t, N> raw(const SecretArray<N>& secret) {
  return to_array<N>(secret.view());
}

}  // namespace taubenpost::thin
