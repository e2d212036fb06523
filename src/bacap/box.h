// One box of a BACAP sequence: id, encryption, signature, tombstone (pigeonhole 1.6 to 1.11).
#pragma once

#include "bacap/capability.h"

namespace taubenpost::bacap {

// The context of every storage operation: 18 bytes, no terminator.
inline constexpr std::string_view kPigeonholeContext = "pigeonhole context";

using BoxId = Bytes32;
using Signature = std::array<std::uint8_t, 64>;

// What replicas store. An empty payload is a tombstone.
struct Box {
  BoxId id{};
  Bytes payload;  // ciphertext || 16-byte tag, or empty
  Signature signature{};
  bool is_tombstone() const { return payload.empty(); }
  bool operator==(const Box&) const = default;
};

// kInvalid for a root key that is no usable point.
Result<BoxId> box_id(ByteView root_key, const MessageBoxIndex& index,
                     ByteView context = as_bytes(kPigeonholeContext));
// The context-free id: never an address in storage.
Result<BoxId> box_id_without_context(ByteView root_key, const MessageBoxIndex& index);

// Deterministic in capability, index, context and plaintext.
Box encrypt_box(const WriteCap& cap, const MessageBoxIndex& index, ByteView plaintext,
                ByteView context = as_bytes(kPigeonholeContext));
Box tombstone(const WriteCap& cap, const MessageBoxIndex& index,
              ByteView context = as_bytes(kPigeonholeContext));

// Whether the signature covers the payload under the box id.
bool verify(const BoxId& id, ByteView payload, ByteView signature);

enum class OpenError : std::uint8_t {
  kNone,
  kBoxEmpty,     // the box id is all zero
  kBoxMismatch,  // it is another box
  kSignatureInvalid,
  kDecryptFailed,
};
struct Opened {
  OpenError error = OpenError::kNone;
  bool is_tombstone = false;
  Bytes plaintext;  // still padded (padding.h)
};
// Refuses an all-zero id, compares the id with the derived one, verifies, then decrypts.
Opened open_box(const ReadCap& cap, const MessageBoxIndex& index, const Box& box,
                ByteView context = as_bytes(kPigeonholeContext));
// The same for who has derived the id already.
Opened open_box(const BoxId& expected, const MessageBoxIndex& index, const Box& box,
                ByteView context = as_bytes(kPigeonholeContext));

// The steps of encryption in isolation, for test vectors and diagnostics.
struct ContextKeys {
  SecretArray<32> blinding;    // K_ctx
  SecretArray<32> encryption;  // E_ctx
};
ContextKeys context_keys(const MessageBoxIndex& index, ByteView context);

}  // namespace taubenpost::bacap
