#!/usr/bin/env bash
# Installs what graft is built with, once: Debian packages, LibTorch, Abseil, SentencePiece.
#
#   tools/setup.sh                 installs and says where
#   tools/setup.sh --prefix-path   the same, and prints the value for the environment variable CMAKE_PREFIX_PATH
#   tools/setup.sh --sanitizer-prefix-path   the value for the preset asan and tools/fuzz.sh: Abseil and SentencePiece
#                                  built with the sanitizers of Clang
#
# Downloads are pinned in pins.txt. Everything lands in $GRAFT_CACHE (default ~/.cache/graft) in folders named by
# version and pins, so that a second clone finds it there. A folder appears under its name only when it is complete.
set -euo pipefail
. "$(dirname "$0")/common.sh"

packages=(build-essential cmake ninja-build ccache pkg-config unzip git python3 python3-pip python3-venv strace
          libicu-dev zlib1g-dev libdeflate-dev libsimdjson-dev nlohmann-json3-dev libxxhash-dev libhwy-dev
          libprotobuf-dev protobuf-compiler
          libgtest-dev libgmock-dev libbenchmark-dev clang-format-19 clang-tidy-19
          clang-19 libclang-rt-19-dev)

install_packages() {
  local missing=() package
  for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "not a Debian system; install by hand: ${missing[*]}"
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "needs root (or sudo) to install: ${missing[*]}"
    as_root=(sudo)
  fi
  need_space /usr 2000 "installing ${#missing[@]} Debian packages"
  say "installing Debian packages: ${missing[*]}"
  local log
  log=$(mktemp)
  remove_at_end "$log"
  if ! { "${as_root[@]}" apt-get update && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120 "${missing[@]}"; } > "$log" 2>&1 < /dev/null; then
    tail -n 3 "$log" >&2
    die "apt-get could not install: ${missing[*]} (no network?)"
  fi
}

# The headers and the CPU libraries of the wheel; libtorch_cpu.so finds the two CUDA libraries beside it by its rpath.
install_libtorch() {
  local target=$1 work
  need_space "$GRAFT_CACHE" 3000 "LibTorch"
  work=$(mktemp -d "$GRAFT_CACHE/tmp.XXXXXX")
  remove_at_end "$work"
  fetch torch "$work/wheels"
  fetch nvidia-cuda-runtime "$work/wheels"
  fetch nvidia-cuda-cupti "$work/wheels"
  say "unpacking LibTorch"
  mkdir "$work/tree"
  (cd "$work/tree" && unzip -q "$work"/wheels/torch-*.whl 'torch/include/*' 'torch/lib/libtorch_cpu.so' \
      'torch/lib/libc10.so' 'torch/lib/libgomp.so.1' 'torch/version.py' &&
    unzip -q "$work"/wheels/nvidia_cuda_runtime-*.whl 'nvidia/cu13/lib/*' &&
    unzip -q "$work"/wheels/nvidia_cuda_cupti-*.whl 'nvidia/cu13/lib/libcupti.so*') >&2 ||
    die "cannot unpack LibTorch into $GRAFT_CACHE (disk full?)"
  mv -T "$work/tree" "$target"
  rm -rf "$work"
}

# install_built NAME WORK SOURCE TARGET [cmake options...]: builds SOURCE in the folder WORK, moves the result to TARGET
# and removes WORK.
install_built() {
  local name=$1 work=$2 source=$3 target=$4
  shift 4
  if ! { cmake -S "$source" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_STANDARD=20 \
        -DCMAKE_POSITION_INDEPENDENT_CODE=ON "$@" -DCMAKE_INSTALL_PREFIX="$target" &&
      cmake --build "$work/build" && DESTDIR="$work/stage" cmake --install "$work/build"; } > "$work/log" 2>&1; then
    grep -m 3 -iE 'error|no space' "$work/log" >&2 || tail -n 3 "$work/log" >&2
    die "$name does not build"
  fi
  mkdir -p "$(dirname "$target")"
  mv -T "$work/stage$target" "$target"
  rm -rf "$work"
}

# build_abseil TARGET [cmake options...]
build_abseil() {
  local target=$1 work
  shift
  need_space "$GRAFT_CACHE" 1000 "Abseil"
  work=$(mktemp -d "$GRAFT_CACHE/tmp.XXXXXX")
  remove_at_end "$work"
  fetch sentencepiece==0.2.2 "$work" source
  tar -xzf "$work"/sentencepiece-*.tar.gz -C "$work"
  say "building Abseil (about a minute)"
  install_built Abseil "$work" "$work/sentencepiece-0.2.2/sentencepiece/third_party/abseil-cpp" "$target" \
    -DABSL_PROPAGATE_CXX_STD=ON -DABSL_ENABLE_INSTALL=ON -DBUILD_TESTING=OFF "$@"
}

# build_sentencepiece TARGET ABSEIL [cmake options...]
build_sentencepiece() {
  local target=$1 abseil=$2 work
  shift 2
  need_space "$GRAFT_CACHE" 200 "SentencePiece"
  work=$(mktemp -d "$GRAFT_CACHE/tmp.XXXXXX")
  remove_at_end "$work"
  fetch sentencepiece==0.2.3 "$work" source
  tar -xzf "$work"/sentencepiece-*.tar.gz -C "$work"
  say "building SentencePiece (about half a minute)"
  install_built SentencePiece "$work" "$GRAFT_ROOT/tools/cmake/sentencepiece" "$target" \
    -DSENTENCEPIECE_SOURCE="$work/sentencepiece-0.2.3/sentencepiece" -DCMAKE_PREFIX_PATH="$abseil" "$@"
}

case "${1:-}" in
  '' | --prefix-path | --sanitizer-prefix-path) ;;
  *) die "unknown option $1 (expected --prefix-path or --sanitizer-prefix-path)" ;;
esac
[ "$(uname -m)" = x86_64 ] || die "expected an x86_64 machine, found $(uname -m)"
install_packages
command -v c++ >/dev/null || die "no C++ compiler"
mkdir -p "$GRAFT_CACHE" 2>/dev/null || die "cannot create $GRAFT_CACHE"
only_one "$GRAFT_CACHE/lock"
rm -rf "$GRAFT_CACHE"/tmp.*  # of runs that were killed; the lock is ours
libtorch=$GRAFT_CACHE/libtorch-$(pinned_version torch)-$(pins_key torch nvidia-cuda-runtime nvidia-cuda-cupti)
abseil=$GRAFT_CACHE/abseil-20260526-$(pins_key sentencepiece==0.2.2)
sentencepiece=$GRAFT_CACHE/sentencepiece-0.2.3-$(pins_key sentencepiece==0.2.3 sentencepiece==0.2.2)
options=()
if [ "${1:-}" = --sanitizer-prefix-path ]; then
  # Abseil's containers differ with the sanitizers, so everything that uses them is built alike.
  abseil+=-sanitizers sentencepiece+=-sanitizers
  options=(-DCMAKE_CXX_COMPILER=clang++-19 -DCMAKE_C_COMPILER=clang-19
           "-DCMAKE_CXX_FLAGS=-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all")
fi
[ -d "$libtorch" ] || install_libtorch "$libtorch"
[ -d "$abseil" ] || build_abseil "$abseil" "${options[@]}"
[ -d "$sentencepiece" ] || build_sentencepiece "$sentencepiece" "$abseil" "${options[@]}"
prefix_path=$abseil:$sentencepiece:$libtorch/torch
if [ -n "${1:-}" ]; then
  printf '%s\n' "$prefix_path"
else
  say "ready: export CMAKE_PREFIX_PATH=$prefix_path"
fi
