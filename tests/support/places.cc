// See places.h.
#include "support/places.h"

namespace taubenpost {

std::string in_source(const std::string& path) { return std::string(TP_SOURCE) + "/" + path; }

std::string in_build(const std::string& path) { return std::string(TP_BUILD) + "/" + path; }

std::string program_path() { return TP_PROGRAM; }

}  // namespace taubenpost
