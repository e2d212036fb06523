// The list of all failpoints. Every name here is reached by the crash matrix.
#pragma once

#include <array>
#include <string_view>

namespace taubenpost {

inline constexpr std::array kFailpoints{
    // store/rocks_store.cc: around every synced write batch
    std::string_view{"store.commit.before"},
    std::string_view{"store.commit.after"},
};

}  // namespace taubenpost
