// Fuzzes envelope descriptors, which clients hand back to the daemon.
#include "wire/pki.h"

using namespace taubenpost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto descriptor = wire::decode_descriptor({data, size});
  if (!descriptor) return 0;
  const auto again = wire::decode_descriptor(wire::encode_descriptor(*descriptor));
  TP_CHECK(again && again->epoch == descriptor->epoch && again->replicas == descriptor->replicas &&
           again->envelope_key == descriptor->envelope_key);
  return 0;
}
