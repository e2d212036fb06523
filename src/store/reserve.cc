#include "store/reserve.h"

#include <fcntl.h>
#include <unistd.h>

#include <system_error>

#include "store/committer.h"

namespace taubenpost {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kPlenty = 4 * kReserveSize;

fs::path reserve_path(const fs::path& dir) { return dir / "reserve"; }

// 0 where it can't be told: then nothing is made, and what there is is given up.
std::uint64_t free_space(const fs::path& dir) {
  std::error_code code;
  const fs::space_info space = fs::space(dir, code);
  return code ? 0 : space.available;
}

}  // namespace

void keep_reserve(const fs::path& dir) {
  const fs::path path = reserve_path(dir);
  std::error_code code;
  if (fs::file_size(path, code) == kReserveSize && !code) return;
  if (free_space(dir) < kPlenty) return;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return;
  // A reserve that was cut short, by a kill or an error, is completed by the next start.
  static_cast<void>(::posix_fallocate(fd, 0, static_cast<off_t>(kReserveSize)));
  ::close(fd);
}

void release_reserve(const fs::path& dir) {
  if (free_space(dir) >= kSpaceToCreate) return;
  std::error_code ignored;
  fs::remove(reserve_path(dir), ignored);
}

}  // namespace taubenpost
