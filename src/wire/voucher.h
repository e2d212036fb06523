// The CBOR inside voucher calls: what a joiner publishes, and what is sealed for the joiner
// (pigeonhole 9, schema/thin.cddl).
//
// Encoded in canonical order. Decoded as the daemon does: a missing or null field is empty, unknown
// keys are passed over, the limits are those of CborLimits. Lengths of keys, capabilities and
// signatures are not checked here: each has an error code of its own in the calls.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/secret.h"

namespace taubenpost::wire {

// Who asks to be added, and where they will write.
struct PleaseAdd {
  std::string display_name;
  Bytes message_read_cap;

  bool operator==(const PleaseAdd&) const = default;
};

struct SignedPleaseAdd {
  Bytes please_add;  // encoded
  Bytes signature;   // by the root key of its capability

  bool operator==(const SignedPleaseAdd&) const = default;
};

// What stands in the first box of the voucher's stream; the voucher is its hash.
struct VoucherPayload {
  Bytes voucher_public_key;  // for the seal of the answer
  Bytes signed_please_add;   // encoded

  bool operator==(const VoucherPayload&) const = default;
};

// What is sealed for the joiner. Secret: the salt leads to the live write capability.
struct VoucherReply {
  Bytes who_reply;  // opaque
  Bytes salt;

  bool operator==(const VoucherReply&) const = default;
};

// An MKEM message (pigeonhole 4.3); what stands in the second box.
struct SealedReply {
  Bytes envelope;
  std::vector<Bytes> deks;
  Bytes ephemeral_public_key;

  bool operator==(const SealedReply&) const = default;
};

Bytes encode_please_add(const PleaseAdd& value);
Bytes encode_signed_please_add(const SignedPleaseAdd& value);
Bytes encode_voucher_payload(const VoucherPayload& value);
SecretBytes encode_voucher_reply(const VoucherReply& value);
Bytes encode_sealed_reply(const SealedReply& value);

// kInvalid: not a map and nothing behind it, or a field of a wrong type.
Result<PleaseAdd> decode_please_add(ByteView bytes);
Result<SignedPleaseAdd> decode_signed_please_add(ByteView bytes);
Result<VoucherPayload> decode_voucher_payload(ByteView bytes);
Result<VoucherReply> decode_voucher_reply(ByteView bytes);
Result<SealedReply> decode_sealed_reply(ByteView bytes);

}  // namespace taubenpost::wire
