#!/usr/bin/env bash
# Which lines and branches of the readers of weight files the tests run (models/weights), by Clang's source-based coverage.
#
#   tools/coverage.sh [REPORT [BUILD]]    REPORT: docs/coverage.txt, BUILD: build-coverage
#
# Needs llvm-19 beside clang-19. BUILD/html shows every line.
set -euo pipefail
. "$(dirname "$0")/common.sh"
report=${1:-$GRAFT_ROOT/docs/coverage.txt} build=${2:-$GRAFT_ROOT/build-coverage}
command -v llvm-cov-19 > /dev/null || die "no llvm-cov-19 (Debian: llvm-19)"
CMAKE_PREFIX_PATH=$("$GRAFT_ROOT/tools/setup.sh" --prefix-path)
export CMAKE_PREFIX_PATH
say "building the tests of models/weights"
mkdir -p "$build"
{ cmake -S "$GRAFT_ROOT" -B "$build" -G Ninja -DGRAFT_BUILD_TESTS=ON -DCMAKE_CXX_COMPILER=clang++-19 -DCMAKE_BUILD_TYPE=Debug \
    -DCMAKE_CXX_FLAGS="-O1 -fprofile-instr-generate -fcoverage-mapping -Wno-deprecated-declarations" &&
  cmake --build "$build" --target models_weights_test; } > "$build/log" 2>&1 || die "the tests do not build; see $build/log"
LLVM_PROFILE_FILE=$build/tests.profraw "$build/tests/models_weights_test" > "$build/tests.log" 2>&1 || die "a test fails; see $build/tests.log"
llvm-profdata-19 merge -o "$build/tests.profdata" "$build/tests.profraw"
cov() { llvm-cov-19 "$@" "$build/tests/models_weights_test" -instr-profile="$build/tests.profdata" "$GRAFT_ROOT"/models/weights; }
cov show -format=html -show-branches=count -output-dir="$build/html"
{
  echo "Lines and branches of models/weights that tests/models/weights runs (tools/coverage.sh; clang 19)."
  echo
  # Without the paths of the machine.
  cov report -show-region-summary=false | sed -e "s#$GRAFT_ROOT/##g" -e '/^Files which/,$d'
} > "$report"
tail -n 1 "$report"
