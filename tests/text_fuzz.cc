// Fuzzes the texts that people and files hand in: daemon addresses and invitations. What is
// understood is the same after writing it.
#include "engine/channels.h"
#include "thin/config.h"

using namespace taubenpost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  static_cast<void>(thin::parse_config(text, "thinclient.toml"));
  const auto address = thin::parse_address(text);
  if (address) {
    const auto again = thin::parse_address(thin::to_string(*address));
    TP_CHECK(again && *again == *address);
  }
  const auto invitation = decode_invitation(text);
  if (invitation) TP_CHECK(decode_invitation(encode_invitation(*invitation)));
  return 0;
}
