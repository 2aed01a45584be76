#!/usr/bin/env bash
# Installs what is needed, builds with warnings as errors and runs all the tests.
#
#   tools/test.sh            the tests of every push
#   tools/test.sh --full     the long sweeps as well
#   tools/test.sh --no-tidy  without clang-format and clang-tidy
#   tools/test.sh --again    even when nothing has changed since they passed
#
# Says so and ends at once when nothing has changed since the last run that passed. Otherwise the build is incremental
# and downloads are kept.
set -euo pipefail
. "$(dirname "$0")/common.sh"

full= tidy=1 again=
for argument in "$@"; do
  case "$argument" in
    --full) full=1 ;;
    --no-tidy) tidy= ;;
    --again) again=1 ;;
    *) die "unknown option $argument (expected --full, --no-tidy or --again)" ;;
  esac
done

cd "$GRAFT_ROOT"
CMAKE_PREFIX_PATH=$(tools/setup.sh --prefix-path)
export CMAKE_PREFIX_PATH
mkdir -p build
only_one build/lock

# What has passed leaves the state in which it did: build/passed-tests, -full and -style.
state=$(source_state) || state=
wanted=(tests ${full:+full} ${tidy:+style})
passed() {
  local part
  for part in "${wanted[@]}"; do
    [ -n "$state" ] && [ "$(cat "build/passed-$part" 2> /dev/null)" = "$state" ] || return 1
  done
}
if [ -z "$again" ] && passed; then
  say "nothing has changed since all of this passed, $(date -r build/passed-tests '+%F %R'); --again runs it all the same"
  exit 0
fi

need_space "$GRAFT_ROOT" 1500 "the build"
say "building (warnings are errors)"
cmake --preset strict -DCMAKE_CXX_COMPILER_LAUNCHER=ccache > build/configure.log 2>&1 ||
  { grep -m 3 -A 3 'CMake Error' build/configure.log >&2 || tail -n 3 build/configure.log >&2; die "cmake failed; see build/configure.log"; }
cmake --build --preset strict
if [ -n "$tidy" ]; then
  say "checking style"
  tools/check_style.sh build
fi
say "running the tests"
env ${full:+GRAFT_LONG_TESTS=1} ctest --test-dir build --parallel 2 --output-on-failure --no-tests=error
# Nothing is known of a state that came about while the tests ran.
if [ -n "$state" ] && [ "$(source_state)" = "$state" ]; then
  for part in "${wanted[@]}"; do printf '%s\n' "$state" > "build/passed-$part"; done
fi
