#include "base/failpoint.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>

namespace taubenpost {
namespace {

struct Armed {
  std::string name;
  std::atomic<long> hits_left{0};

  Armed() {
    const char* text = std::getenv("TP_FAILPOINT");
    const std::string value = text == nullptr ? "" : text;
    const std::size_t colon = value.rfind(':');
    if (colon == std::string::npos) return;
    name = value.substr(0, colon);
    hits_left = std::atol(value.c_str() + colon + 1);
  }
};

std::function<void()>& kill_hook() {
  static std::function<void()> hook;
  return hook;
}

}  // namespace

void failpoint_reached(std::string_view name) {
  static Armed armed;
  if (name != armed.name) return;
  if (--armed.hits_left != 0) return;
  if (kill_hook()) kill_hook()();
  std::raise(SIGKILL);
}

void on_failpoint_kill(std::function<void()> hook) { kill_hook() = std::move(hook); }

}  // namespace taubenpost
