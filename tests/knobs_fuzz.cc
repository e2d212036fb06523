// Fuzzes files of knobs, and single knobs: what is refused changes nothing.
#include "base/bytes.h"
#include "localnet/knob_names.h"

using namespace taubenpost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  localnet::Knobs knobs;
  const std::string before = localnet::knobs_json(knobs);
  if (!localnet::parse_knobs(knobs, {}, text, "knobs.toml"))
    TP_CHECK(localnet::knobs_json(knobs) == before);
  localnet::Knobs one;
  if (!localnet::set_knobs(one, {}, {std::string(text)}))
    TP_CHECK(localnet::knobs_json(one) == before);
  return 0;
}
