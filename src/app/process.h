// What this process does about secrets in its memory.
#pragma once

namespace taubenpost {

// No core dump, and no debugger or other process of this user reads our memory (design 5.8). In a
// build with sanitizers only the core size is limited: their leak check traces its own process.
void protect_memory();

}  // namespace taubenpost
