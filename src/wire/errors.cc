#include "wire/errors.h"

#include <array>
#include <string_view>

namespace taubenpost::wire {
namespace {

constexpr std::array<std::string_view, 33> kThinNames{"success",
                                                      "connection lost",
                                                      "timeout",
                                                      "invalid request",
                                                      "internal error",
                                                      "maximum retries exceeded",
                                                      "invalid channel",
                                                      "channel not found",
                                                      "permission denied",
                                                      "invalid payload",
                                                      "service unavailable",
                                                      "duplicate capability",
                                                      "courier cache corruption",
                                                      "propagation error",
                                                      "invalid write capability",
                                                      "invalid read capability",
                                                      "invalid resume-write-channel request",
                                                      "invalid resume-read-channel request",
                                                      "impossible hash",
                                                      "cannot create write capability",
                                                      "cannot create stateful writer",
                                                      "capability already in use",
                                                      "MKEM decryption failed",
                                                      "BACAP decryption failed",
                                                      "start-resending cancelled",
                                                      "invalid tombstone signature",
                                                      "copy command failed",
                                                      "payload too large",
                                                      "voucher hash mismatch",
                                                      "voucher signature invalid",
                                                      "voucher seal open failed",
                                                      "courier: invalid envelope",
                                                      "courier: replica epoch outside window"};

constexpr std::array<std::string_view, 12> kReplicaNames{
    "success",          "box id not found",   "invalid box id",     "invalid signature",
    "database failure", "invalid payload",    "storage full",       "internal error",
    "invalid epoch",    "replication failed", "box already exists", "tombstone"};

template <std::size_t N>
std::string describe(std::string_view space, const std::array<std::string_view, N>& names,
                     std::uint8_t code) {
  const std::string_view name = code < N ? names[code] : "unknown";
  return std::string(space) + " " + std::to_string(code) + " (" + std::string(name) + ")";
}

}  // namespace

std::string describe_thin(std::uint8_t code) { return describe("thin", kThinNames, code); }
std::string describe_replica(std::uint8_t code) { return describe("replica", kReplicaNames, code); }

}  // namespace taubenpost::wire
