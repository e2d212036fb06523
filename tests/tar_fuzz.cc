// Fuzzes archives: what is unpacked stays within the fresh folder, whatever the bytes are.
#include <filesystem>

#include "files/files.h"
#include "files/part_file.h"
#include "support/temp_folder.h"

using namespace taubenpost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const TempFolder state, target;
  Disk disk;
  RealFiles files(state.path(), SecretArray<32>(), StoreId{}, disk);
  const JobId job{1};
  {
    const auto part = files.open_part(target.path(), job);
    TP_CHECK(part && (*part)->write_at(0, {data, size}));
  }
  const auto unpacker = files.unpack(target.path(), job, size, "x");
  TP_CHECK(unpacker);
  Result<bool> goes_on = true;
  while (goes_on && *goes_on) goes_on = (*unpacker)->step();
  TP_CHECK(target.names().size() == 2);
  std::uint64_t written = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(target.path())) {
    TP_CHECK(!entry.is_symlink());
    if (entry.is_regular_file()) written += entry.file_size();
  }
  TP_CHECK(written <= 2 * size);  // the archive itself is among them
  return 0;
}
