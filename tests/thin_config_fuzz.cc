// Fuzzes where the daemon listens: thinclient.toml and addresses. An address that is understood is
// the same after writing it.
#include "thin/config.h"

using namespace taubenpost;

namespace {

void round_trip(const Result<thin::DialAddress>& address) {
  if (!address) return;
  const auto again = thin::parse_address(thin::to_string(*address));
  TP_CHECK(again);
  TP_CHECK(thin::to_string(*again) == thin::to_string(*address));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  round_trip(thin::parse_config(text, "thinclient.toml"));
  round_trip(thin::parse_address(text));
  return 0;
}
