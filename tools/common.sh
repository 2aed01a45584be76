# shellcheck shell=bash
# What the scripts of this folder share: messages, the cache folder, pinned downloads.
# Sourced, never run.

GRAFT_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
GRAFT_CACHE=${GRAFT_CACHE:-${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/graft}

say() { printf '== %s\n' "$*" >&2; }

# One clear line, then stop.
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# need_space FOLDER MEGABYTES WHAT: stops when the file system of FOLDER has less free space.
need_space() {
  mkdir -p "$1" 2>/dev/null || die "cannot create the folder $1"
  local free
  free=$(df -Pm "$1" | awk 'NR==2 {print $4}')
  [ "$free" -ge "$2" ] || die "too little disk: $1 has $free MB free, $3 needs $2 MB"
}

# The version that pins.txt gives for a package.
pinned_version() {
  sed -n "s/^$1==\([^ ]*\) .*/\1/p" "$GRAFT_ROOT/tools/pins.txt"
}

# A build backend that builds nothing. pip asks every source distribution for its metadata; with this one it gets name
# and version, runs nothing of the package and fetches none of the build tools that the package names.
idle_backend() {
  mkdir "$1/setuptools"
  touch "$1/setuptools/__init__.py"
  cat > "$1/setuptools/build_meta.py" <<'END'
import os, pathlib, sys
__legacy__ = sys.modules[__name__]
def prepare_metadata_for_build_wheel(folder, config_settings=None):
    name, version = os.environ["GRAFT_FETCHED"].split("==")
    info = pathlib.Path(folder, f"{name}-{version}.dist-info")
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return info.name
END
}

# fetch NAME FOLDER [wheel|source]: downloads a pinned package into FOLDER; pip checks the sha256. NAME is NAME==VERSION
# where pins.txt has several versions.
fetch() {
  local name=$1 folder=$2 kind=${3:-wheel} work pin
  local -a how
  pin=$(grep -m 1 "^$name[= ]" "$GRAFT_ROOT/tools/pins.txt") || die "tools/pins.txt has no line for $name"
  work=$(mktemp -d)
  printf '%s\n' "$pin" > "$work/requirements.txt"
  if [ "$kind" = source ]; then
    how=(--no-binary :all: --no-build-isolation --use-pep517)
    idle_backend "$work"
  else
    how=(--only-binary :all: --python-version 3.11 --implementation cp --abi cp311 --abi none
         --platform manylinux_2_28_x86_64 --platform manylinux_2_25_x86_64
         --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 --platform any)
  fi
  say "downloading ${pin%% *}"
  if ! PYTHONPATH="$work" GRAFT_FETCHED="${pin%% *}" python3 -m pip download --quiet --disable-pip-version-check \
      --no-deps --require-hashes "${how[@]}" -d "$folder" -r "$work/requirements.txt" >&2; then
    rm -rf "$work"
    die "cannot download ${pin%% *} (no network, or the file is not the pinned one)"
  fi
  rm -rf "$work"
}
