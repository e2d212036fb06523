// The program's entry: everything else is in the layers below.
#include <cstdio>
#include <string_view>

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "version") {
    std::puts("taubenpost " TP_VERSION);
    return 0;
  }
  std::fputs("taubenpost: usage: taubenpost version\n", stderr);
  return 2;
}
