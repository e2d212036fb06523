// Fuzzes config.toml of the state directory.
#include "app/state_dir.h"
#include "base/bytes.h"

using namespace taubenpost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto config = parse_app_config(as_text({data, size}), "config.toml");
  if (config) {
    TP_CHECK(config->thin_config.starts_with('/'));
    const KeyOptions& key = config->key;
    for (const std::string& path : {key.key_file, key.passphrase_file, key.passphrase_command})
      TP_CHECK(path.empty() || path.starts_with('/'));
  }
  if (!config) TP_CHECK(config.error().what.starts_with("config.toml:"));
  return 0;
}
