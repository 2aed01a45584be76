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

# fetch NAME FOLDER [wheel|source]: downloads a pinned package into FOLDER; pip checks the sha256. Nothing of it is run.
fetch() {
  local name=$1 folder=$2 kind=${3:-wheel} requirement python_path=${PYTHONPATH:-}
  local -a how
  if [ "$kind" = source ]; then
    how=(--no-binary :all: --use-pep517 --no-build-isolation)
    python_path=$GRAFT_ROOT/tools/sdist_backend${PYTHONPATH:+:$PYTHONPATH}
  else
    how=(--only-binary :all: --python-version 3.11 --implementation cp --abi cp311 --abi none
         --platform manylinux_2_28_x86_64 --platform manylinux_2_25_x86_64
         --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 --platform any)
  fi
  requirement=$(mktemp)
  grep "^$name==" "$GRAFT_ROOT/tools/pins.txt" > "$requirement" || die "tools/pins.txt has no line for $name"
  say "downloading $name $(pinned_version "$name")"
  if ! PINNED=$name==$(pinned_version "$name") PYTHONPATH=$python_path PYTHONDONTWRITEBYTECODE=1 \
      python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
      "${how[@]}" -d "$folder" -r "$requirement" >&2; then
    rm -f "$requirement"
    die "cannot download $name $(pinned_version "$name") (no network, or the file is not the pinned one)"
  fi
  rm -f "$requirement"
}
