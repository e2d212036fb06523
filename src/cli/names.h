// What states, kinds and choices are called in output.
#pragma once

#include <string_view>

#include "model/rows.h"

namespace taubenpost::cli {

std::string_view name_of(SendState state);
std::string_view name_of(RecipientState state);
std::string_view name_of(RetractState state);
std::string_view name_of(ReceiveState state);
std::string_view name_of(Layout layout);
std::string_view name_of(Way way);
std::string_view name_of(SourceKind kind);
std::string_view name_of(Encoding encoding);
std::string_view name_of(IfExists if_exists);

}  // namespace taubenpost::cli
