#include "crypto/init.h"

#include <gcrypt.h>
#include <sodium.h>

#include "base/check.h"

namespace taubenpost::crypto {

void ensure_ready() {
  static const bool ready = [] {
    TP_CHECK(sodium_init() >= 0);
    TP_CHECK(gcry_check_version("1.10.0") != nullptr);
    gcry_control(GCRYCTL_DISABLE_SECMEM, 0);  // key types of ours wipe themselves
    gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
    return true;
  }();
  static_cast<void>(ready);
}

}  // namespace taubenpost::crypto
