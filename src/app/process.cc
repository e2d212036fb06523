#include "app/process.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/check.h"

namespace taubenpost {

void protect_memory() {
  const rlimit none{0, 0};
  TP_CHECK(::setrlimit(RLIMIT_CORE, &none) == 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  TP_CHECK(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
#endif
}

}  // namespace taubenpost
