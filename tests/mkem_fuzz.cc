// Fuzzes what a replica opens: DEKs, sender keys and ciphertexts, of strangers and of its own kind.
#include <span>

#include "bacap/mkem.h"

using namespace taubenpost;

namespace {

constexpr std::size_t kDekSize = 60;
constexpr std::size_t kPublicSize = 160;

// One envelope that opens, with the input laid over its bytes.
void bent(const bacap::NikeKeyPair& replica, ByteView bytes) {
  auto sealed = bacap::encapsulate({replica.public_key}, ByteView(replica.public_key).first(40));
  TP_CHECK(sealed);
  Bytes* const parts[] = {&sealed->deks[0], &sealed->envelope, &sealed->sender.public_key};
  std::size_t at = 0;
  for (Bytes* part : parts)
    for (std::uint8_t& byte : *part) byte ^= at < bytes.size() ? bytes[at++] : 0;
  const auto opened = bacap::decapsulate(replica.private_key.view(), sealed->sender.public_key,
                                         {sealed->deks[0]}, sealed->envelope);
  if (!opened) TP_CHECK(at > 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bacap::NikeKeyPair replica = bacap::nike_key_pair_from(Bytes(32, 7));
  static const SecretArray<32> secret = bacap::secret_of(Bytes(32, 9));
  const ByteView bytes(data, size);
  bent(replica, bytes);
  static_cast<void>(bacap::open_reply(secret, bytes));
  static_cast<void>(bacap::nike_secret(replica.private_key.view(), bytes));
  const std::size_t dek = std::min(kDekSize, size), key = std::min(dek + kPublicSize, size);
  static_cast<void>(bacap::decapsulate(replica.private_key.view(), bytes.subspan(dek, key - dek),
                                       {bytes.first(dek)}, bytes.subspan(key)));
  return 0;
}
