#!/usr/bin/env bash
# Which lines and branches of the readers of weight files the tests run (models/weights), by Clang's source-based coverage.
#
#   tools/coverage.sh [REPORT [BUILD]]    REPORT: docs/coverage.txt, BUILD: build-coverage
#
# Fails when a line or branch is missed that is not in the list below. Needs llvm-19 beside clang-19. BUILD/html shows
# every line.
set -euo pipefail
. "$(dirname "$0")/common.sh"
report=${1:-$GRAFT_ROOT/docs/coverage.txt} build=${2:-$GRAFT_ROOT/build-coverage}

# What no test can run: FILE|TEXT OF THE LINE|REASON.
cannot_run=(
  'weight_files.cc|ABSL_CHECK(out.size() == tensor.bytes());|an error of the calling program, which ends it'
  'weight_files.cc|ABSL_CHECK(static_cast<int64_t>(out.size()) == tensor.elements());|the same'
)

command -v llvm-cov-19 > /dev/null || die "no llvm-cov-19 (Debian: llvm-19)"
CMAKE_PREFIX_PATH=$("$GRAFT_ROOT/tools/setup.sh" --prefix-path)
export CMAKE_PREFIX_PATH
say "building the tests of models/weights"
mkdir -p "$build"
flags="-O1 -fprofile-instr-generate -fcoverage-mapping -Wno-deprecated-declarations"
flags+=" -include $GRAFT_ROOT/tests/support/coverage_macros.h"
{ cmake -S "$GRAFT_ROOT" -B "$build" -G Ninja -DGRAFT_BUILD_TESTS=ON -DCMAKE_CXX_COMPILER=clang++-19 -DCMAKE_BUILD_TYPE=Debug \
    -DCMAKE_CXX_FLAGS="$flags" && cmake --build "$build" --target models_weights_test; } > "$build/log" 2>&1 ||
  die "the tests do not build; see $build/log"
LLVM_PROFILE_FILE=$build/tests.profraw "$build/tests/models_weights_test" > "$build/tests.log" 2>&1 || die "a test fails; see $build/tests.log"
tests=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) tests\.$/\1/p' "$build/tests.log")
llvm-profdata-19 merge -o "$build/tests.profdata" "$build/tests.profraw"
cov() { llvm-cov-19 "$@" "$build/tests/models_weights_test" -instr-profile="$build/tests.profdata" "$GRAFT_ROOT"/models/weights; }
cov show -format=html -show-branches=count -output-dir="$build/html"

# Missed lines (DA) and branches (BRDA), as FILE|TEXT OF THE LINE, once for each line.
missed=$(cov export -format=lcov | awk -F '[:,]' '
  /^SF:/ { path = substr($0, 4); file = path; sub(".*/", "", file); delete text; n = 0
           while ((getline line < path) > 0) text[++n] = line
           close(path) }
  /^DA:.*,0$/ || /^BRDA:.*,(0|-)$/ { line = text[$2]; gsub(/^ +| +$/, "", line); print file "|" line }' | sort -u)
reasons=
for entry in "${cannot_run[@]}"; do
  place=${entry%|*}
  grep -qxF "$place" <<< "$missed" || die "this is run or gone, and need not be listed: $place"
  missed=$(grep -vxF "$place" <<< "$missed" || true)
  reasons+="  ${place/|/: }"$'\n'"    ${entry##*|}"$'\n'
done
[ -z "$missed" ] || die "no test runs these lines whole (see $build/html):"$'\n'"$missed"

{
  echo "Lines and branches of models/weights that the $tests tests of tests/models/weights run (tools/coverage.sh; clang 19)."
  echo "ABSL_RETURN_IF_ERROR counts as one condition, without the constants inside it (tests/support/coverage_macros.h)."
  echo
  # Without the paths of the machine, sorted by file.
  cov report -show-region-summary=false |
    sed -e "s#$GRAFT_ROOT/##g" -e '/^Files which/,$d' |
    awk '/^Filename|^---|^TOTAL/ { if (rows) close(sort); rows = 0; print; fflush(); next } { rows = 1; sort = "sort"; print | sort }'
  echo
  echo "Not run, and why:"
  printf '%s' "$reasons"
} > "$report"
grep '^TOTAL' "$report"
