// Where the tree and the build are: the only place of a test binary with absolute paths, so that
// all other files are the same for the compiler's cache wherever the tree is.
#pragma once

#include <string>

namespace taubenpost {

// A file or folder of the source tree, by its path from the top: in_source("docs/cli.md").
std::string in_source(const std::string& path);

// The same below the build folder.
std::string in_build(const std::string& path);

// The program under test.
std::string program_path();

}  // namespace taubenpost
