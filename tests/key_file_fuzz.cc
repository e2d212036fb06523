// Fuzzes key files of `taubenpost raw`: what is understood is the same after writing it.
#include "cli/key_file.h"

using namespace taubenpost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto key = cli::parse_key_file({data, size}, "a.key");
  if (!key) return 0;
  const SecretBytes encoded = cli::encode_key_file(*key);
  const auto again = cli::parse_key_file(encoded.view(), "a.key");
  TP_CHECK(again && again->write_cap.has_value() == key->write_cap.has_value());
  TP_CHECK(equal(cli::encode_key_file(*again).view(), encoded.view()));
  return 0;
}
