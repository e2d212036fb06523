#include "bacap/voucher.h"

#include "crypto/curve.h"
#include "crypto/hash.h"

namespace taubenpost::bacap {
namespace {

constexpr std::size_t kStreamSize = 80;  // what a capability is made of (pigeonhole 1.3)

}  // namespace

Bytes32 voucher_of(ByteView payload) { return crypto::blake2b_256(payload); }

Result<WriteCap> voucher_stream(ByteView voucher) {
  if (voucher.size() != kVoucherSize) return error(Errc::kInvalid, "a voucher of a wrong size");
  return WriteCap::from_stream(crypto::shake256(voucher, kStreamSize).view());
}

Signature sign_please_add(const WriteCap& message_cap, ByteView please_add) {
  return crypto::ed25519_sign(message_cap.view().first(64), please_add);
}

bool verify_please_add(const ReadCap& message_cap, ByteView please_add, ByteView signature) {
  return crypto::ed25519_verify(message_cap.root_key(), please_add, signature);
}

}  // namespace taubenpost::bacap
