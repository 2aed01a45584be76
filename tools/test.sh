#!/usr/bin/env bash
# Installs what is needed, builds with warnings as errors and runs all the tests.
#
#   tools/test.sh            the tests of every push
#   tools/test.sh --full     the long sweeps as well
#   tools/test.sh --no-tidy  without clang-format and clang-tidy
#
# Runs again at once when nothing has changed: the build is incremental and downloads are kept.
set -euo pipefail
. "$(dirname "$0")/common.sh"

full= tidy=1
for argument in "$@"; do
  case "$argument" in
    --full) full=1 ;;
    --no-tidy) tidy= ;;
    *) die "unknown option $argument (expected --full or --no-tidy)" ;;
  esac
done

cd "$GRAFT_ROOT"
CMAKE_PREFIX_PATH=$(tools/setup.sh --prefix-path)
export CMAKE_PREFIX_PATH
need_space "$GRAFT_ROOT" 1500 "the build"
say "building (warnings are errors)"
cmake --preset strict -DCMAKE_CXX_COMPILER_LAUNCHER=ccache > build-configure.log 2>&1 ||
  { grep -m 3 -A 3 'CMake Error' build-configure.log >&2 || tail -n 3 build-configure.log >&2; die "cmake failed; see build-configure.log"; }
rm -f build-configure.log
cmake --build --preset strict
if [ -n "$tidy" ]; then
  say "checking style"
  tools/check_style.sh build
fi
say "running the tests"
[ -z "$full" ] || export GRAFT_LONG_TESTS=1
ctest --test-dir build --output-on-failure --no-tests=error
