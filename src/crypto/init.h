// Initialises libsodium and libgcrypt once; every function of this folder calls it first.
#pragma once

namespace taubenpost::crypto {

// Stops the process if the libraries can't be used.
void ensure_ready();

}  // namespace taubenpost::crypto
