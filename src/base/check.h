// TP_CHECK: a condition that only our own mistake can break. Always compiled in; stops the process.
//
// Never for bytes from a socket, a disk or a user: those are error values. The message names the
// condition and the place, never data.
#pragma once

namespace taubenpost {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace taubenpost

#define TP_CHECK(condition)               \
  (static_cast<bool>(condition) ? void(0) \
                                : ::taubenpost::check_failed(#condition, __FILE__, __LINE__))
