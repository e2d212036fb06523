#include "bacap/box.h"

#include <algorithm>

#include "crypto/aead.h"
#include "crypto/curve.h"
#include "crypto/hash.h"

namespace taubenpost::bacap {
namespace {

constexpr std::size_t kNonceSize = 12;  // of the box id; profile P (pigeonhole 0.1)

bool is_empty(const BoxId& id) {
  return std::all_of(id.begin(), id.end(), [](std::uint8_t byte) { return byte == 0; });
}

struct Writer {
  BoxId id;
  SecretArray<32> scalar;
  SecretArray<32> encryption;
};

Writer writer_of(const WriteCap& cap, const MessageBoxIndex& index, ByteView context) {
  ContextKeys keys = context_keys(index, context);
  const SecretArray<32> factor = crypto::blinding_factor(keys.blinding.view());
  SecretArray<32> scalar = crypto::blind_private_key(cap.seed(), factor);
  const BoxId id = crypto::public_of_scalar(scalar);
  return Writer{id, std::move(scalar), std::move(keys.encryption)};
}

}  // namespace

ContextKeys context_keys(const MessageBoxIndex& index, ByteView context) {
  ContextKeys keys;
  crypto::hkdf_blake2b(index.blinding_key(), context, {}, keys.blinding.writable());
  crypto::hkdf_blake2b(index.encryption_key(), context, {}, keys.encryption.writable());
  return keys;
}

Result<BoxId> box_id(ByteView root_key, const MessageBoxIndex& index, ByteView context) {
  SecretArray<32> blinding;
  crypto::hkdf_blake2b(index.blinding_key(), context, {}, blinding.writable());
  return crypto::blind_public_key(root_key, crypto::blinding_factor(blinding.view()));
}

Result<BoxId> box_id_without_context(ByteView root_key, const MessageBoxIndex& index) {
  return crypto::blind_public_key(root_key, crypto::blinding_factor(index.blinding_key()));
}

Box encrypt_box(const WriteCap& cap, const MessageBoxIndex& index, ByteView plaintext,
                ByteView context) {
  const Writer writer = writer_of(cap, index, context);
  Box box;
  box.id = writer.id;
  box.payload = crypto::aes_256_gcm_siv_seal(writer.encryption.view(),
                                             ByteView(box.id).first(kNonceSize), box.id, plaintext);
  box.signature = crypto::sign_blinded(writer.scalar, box.id, box.payload);
  return box;
}

Box tombstone(const WriteCap& cap, const MessageBoxIndex& index, ByteView context) {
  const Writer writer = writer_of(cap, index, context);
  Box box;
  box.id = writer.id;
  box.signature = crypto::sign_blinded(writer.scalar, box.id, {});
  return box;
}

bool verify(const BoxId& id, ByteView payload, ByteView signature) {
  return crypto::ed25519_verify(id, payload, signature);
}

Opened open_box(const ReadCap& cap, const MessageBoxIndex& index, const Box& box,
                ByteView context) {
  if (is_empty(box.id)) return {OpenError::kBoxEmpty, false, {}};
  const Result<BoxId> expected = box_id(cap.root_key(), index, context);
  if (!expected) return {OpenError::kBoxMismatch, false, {}};
  return open_box(expected.value(), index, box, context);
}

Opened open_box(const BoxId& expected, const MessageBoxIndex& index, const Box& box,
                ByteView context) {
  if (is_empty(box.id)) return {OpenError::kBoxEmpty, false, {}};
  if (expected != box.id) return {OpenError::kBoxMismatch, false, {}};
  if (!verify(box.id, box.payload, box.signature)) return {OpenError::kSignatureInvalid, false, {}};
  if (box.is_tombstone()) return {OpenError::kNone, true, {}};
  const ContextKeys keys = context_keys(index, context);
  Result<Bytes> plaintext = crypto::aes_256_gcm_siv_open(
      keys.encryption.view(), ByteView(box.id).first(kNonceSize), box.id, box.payload);
  if (!plaintext) return {OpenError::kDecryptFailed, false, {}};
  return {OpenError::kNone, false, std::move(plaintext).value()};
}

}  // namespace taubenpost::bacap
