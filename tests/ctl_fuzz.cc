// Fuzzes lines of the local network's control socket; what is understood is the same after writing
// it.
#include "base/bytes.h"
#include "localnet/ctl_request.h"

using namespace taubenpost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto request = localnet::parse_ctl_request(as_text({data, size}));
  if (!request) return 0;
  const auto again = localnet::parse_ctl_request(localnet::to_line(*request));
  TP_CHECK(again && again->command == request->command && again->arguments == request->arguments);
  return 0;
}
