# shellcheck shell=bash
# The published clients of Katzenpost as a phase of tools/test, to be sourced after phases.sh.
#
# Building the Rust client takes minutes: begin_peers starts it in the background, run_peers waits
# for it, and whatever is left of it ends with the script.

rust_install=''

begin_peers() {
  mkdir -p build
  # A session of its own is a process group that can be ended as a whole.
  setsid nice -n 10 tests/peers/install rust >build/peers-rust.log 2>&1 &
  rust_install=$!
}

end_peers() {
  [[ -z $rust_install ]] || kill -- "-$rust_install" 2>/dev/null || true
}
trap 'end_peers; closing_line' EXIT

# install_peer KIND: 3 if it can't be had here.
install_peer() {
  local status=0
  if [[ $1 == rust ]]; then
    wait "$rust_install" || status=$?
    rust_install=''
  else
    tests/peers/install "$1" >"build/peers-$1.log" 2>&1 || status=$?
  fi
  return "$status"
}

# Counts each task that a peer did. Needs the release build.
run_peers() {
  local ready=() status kind
  for kind in python rust; do
    status=0
    install_peer "$kind" || status=$?
    if [[ $status -eq 0 ]]; then
      ready+=("$kind")
      [[ $kind != rust ]] || ready+=(pigeonhole-cp)
    elif [[ $status -eq 3 && -z ${CI-} ]]; then
      skipped "$kind peer: $(tail -n 1 "build/peers-$kind.log")"
    else
      tail -n 20 "build/peers-$kind.log"
      echo "the $kind peer is not there (all of it: build/peers-$kind.log)"
      failed=$((failed + 1))
    fi
  done
  [[ ${#ready[@]} -gt 0 ]] || return 0
  status=0
  tests/peers/run build/release/taubenpost "${ready[@]}" >build/peers.log 2>&1 || status=$?
  passed=$((passed + $(grep -c '^ok ' build/peers.log || true)))
  failed=$((failed + $(grep -c '^FAILED ' build/peers.log || true)))
  grep -v '^ok ' build/peers.log || true
  return "$status"
}
