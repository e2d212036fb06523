# shellcheck shell=bash
# Phases of tools/test and tools/nightly, to be sourced at the top of the tree.
#
# A phase prints its name, its outcome and its wall time. Everything that was tested is counted;
# whatever happens, the last line is "N passed, N failed", and the exit status is 0 only if nothing
# failed. Logs of builds and tests are in build/*.log.

passed=0
failed=0
complete=no

closing_line() {
  if [[ $complete != yes ]]; then
    echo "stopped before the end" >&2
    failed=$((failed + 1))
  fi
  echo "$passed passed, $failed failed"
  [[ $failed -eq 0 ]] || exit 1
  exit 0
}
trap closing_line EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

skipped() { echo "== skipped: $*"; }

# phase NAME COMMAND…: the command counts what it tested itself; that it failed is never lost.
phase() {
  local name=$1 begin=$SECONDS failed_before=$failed
  shift
  echo "== $name"
  if "$@" && [[ $failed -eq $failed_before ]]; then
    echo "== $name: ok, $((SECONDS - begin)) s"
    return 0
  fi
  [[ $failed -gt $failed_before ]] || failed=$((failed + 1))
  echo "== $name: FAILED, $((SECONDS - begin)) s"
  return 1
}

# check NAME COMMAND…: a phase that is one test.
check() {
  if phase "$@"; then passed=$((passed + 1)); else return 1; fi
}

# build FOLDER PRESET TARGETS [CMAKE-OPTION…]: TARGETS is one word, or several with spaces.
build() {
  local folder=$1 preset=$2 targets=$3
  shift 3
  mkdir -p build
  if ! cmake --preset "$preset" -B "build/$folder" "$@" >"build/$folder.configure.log" 2>&1; then
    cat "build/$folder.configure.log"
    return 1
  fi
  # shellcheck disable=SC2086  # several targets are several words
  if ! cmake --build "build/$folder" -j "$(nproc)" --target $targets \
    >"build/$folder.build.log" 2>&1; then
    grep -E -A3 'error: |error:$|undefined reference' "build/$folder.build.log" | head -n 40
    echo "all of it: build/$folder.build.log"
    return 1
  fi
}

# run_tests FOLDER [CTEST-ARGUMENT…]: adds each test of the folder to the counts.
run_tests() {
  local folder=$1 report="$PWD/build/$1.junit.xml" status=0 counts ran bad
  shift
  rm -f "$report"
  "${test_wrapper[@]}" ctest --test-dir "build/$folder" -j2 --output-on-failure \
    --output-junit "$report" "$@" >"build/$folder.test.log" 2>&1 || status=$?
  grep -vE '^ *Start +[0-9]+: |^ *[0-9]+/[0-9]+ Test .* Passed ' "build/$folder.test.log" |
    tail -n 300
  counts=$(python3 - "$report" <<'PYTHON'
import sys
import xml.etree.ElementTree as tree
try:
    cases = list(tree.parse(sys.argv[1]).getroot().iter("testcase"))
except (OSError, tree.ParseError):
    cases = []
ran = [case for case in cases if case.get("status") in ("run", "fail")]
for case in cases:
    if case not in ran:
        print("== skipped:", case.get("name"), file=sys.stderr)
print(len(ran), sum(case.get("status") == "fail" for case in ran))
PYTHON
  )
  read -r ran bad <<<"$counts"
  passed=$((passed + ran - bad))
  failed=$((failed + bad))
  if [[ $ran -eq 0 ]]; then
    echo "no test was run"
    return 1
  fi
  [[ $status -eq 0 ]]
}
test_wrapper=(env)

# The thread sanitizer of GCC 12 needs a memory layout with little randomness.
run_thread_tests() {
  local bits=0
  [[ ! -r /proc/sys/vm/mmap_rnd_bits ]] || bits=$(</proc/sys/vm/mmap_rnd_bits)
  [[ $bits -le 28 ]] || test_wrapper=(setarch "$(uname -m)" --addr-no-randomize)
  local status=0
  run_tests "$@" || status=$?
  test_wrapper=(env)
  return "$status"
}

# Builds of the same tree in different folders share the compiler cache.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=halt_on_error=1
