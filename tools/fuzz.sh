#!/usr/bin/env bash
# Builds the fuzz targets of tests/fuzz with Clang's sanitizers and runs each for some time.
#
#   tools/fuzz.sh [SECONDS [BUILD [TARGET...]]]    30 seconds for each target, in build-fuzz, one on each processor
#
# What a target finds stays in BUILD/crash-TARGET-*; BUILD/bin/TARGET FILE repeats it. What it learns stays in
# BUILD/learned/TARGET for the next run. Status 77 where clang-19 or its run-time is missing.
set -euo pipefail
. "$(dirname "$0")/common.sh"
seconds=${1:-30} build=${2:-$GRAFT_ROOT/build-fuzz} targets=("${@:3}")
if ! command -v clang++-19 > /dev/null || ! [ -e "$(clang++-19 -print-file-name=libclang_rt.fuzzer-x86_64.a)" ]; then
  say "no clang-19 with its run-time (Debian: clang-19 libclang-rt-19-dev): nothing is fuzzed"
  exit 77
fi
CMAKE_PREFIX_PATH=$("$GRAFT_ROOT/tools/setup.sh" --sanitizer-prefix-path)
export CMAKE_PREFIX_PATH
mkdir -p "$build"
build=$(cd "$build" && pwd)  # CMake takes relative folders as those of each target
launcher=()
! command -v ccache > /dev/null || launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
say "building the fuzz targets"
{ cmake -S "$GRAFT_ROOT" -B "$build" -G Ninja -DGRAFT_BUILD_FUZZERS=ON -DCMAKE_CXX_COMPILER=clang++-19 \
    -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_RUNTIME_OUTPUT_DIRECTORY="$build/bin" "${launcher[@]}" &&
  cmake --build "$build"; } > "$build/log" 2>&1 || { grep -m 3 -E 'error|Error' "$build/log" >&2; die "the fuzz targets do not build; see $build/log"; }
python3 "$GRAFT_ROOT/tests/fuzz/make_corpus.py" "$build/corpus"
[ "${#targets[@]}" -gt 0 ] || for target in "$build"/bin/*_fuzz; do targets+=("$(basename "$target")"); done

run() {
  local name=$1 words=()
  mkdir -p "$build/learned/$name"
  ! [ -e "$build/corpus/$name.dict" ] || words=(-dict="$build/corpus/$name.dict")
  # A limit on memory finds allocations that a file's sizes ask for.
  if ! "$build/bin/$name" -max_total_time="$seconds" -rss_limit_mb=2048 -malloc_limit_mb=512 -timeout=10 -max_len=16384 "${words[@]}" \
      -artifact_prefix="$build/crash-$name-" "$build/learned/$name" "$build/corpus/$name" > "$build/$name.log" 2>&1; then
    tail -n 40 "$build/$name.log" >&2
    say "$name found a fault; see $build/$name.log"
    return 1
  fi
  say "$name: $(grep -E '^Done|^stat::number_of_executed_units' "$build/$name.log" | tail -n 1)"
}

say "${targets[*]} for $seconds seconds each"
failed=0 running=0
for name in "${targets[@]}"; do
  if [ "$running" -ge "$(nproc)" ]; then
    wait -n || failed=1
    running=$((running - 1))
  fi
  run "$name" &
  running=$((running + 1))
done
while [ "$running" -gt 0 ]; do
  wait -n || failed=1
  running=$((running - 1))
done
[ "$failed" = 0 ] || die "a target found a fault"
