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

# remove_at_end PATH: removed when the script ends, however it ends.
removed_at_end=()
removing_shell=
remove_at_end() {
  [ "$removing_shell" = "$BASHPID" ] || removed_at_end=()  # a subshell leaves its parent's alone
  removing_shell=$BASHPID
  removed_at_end+=("$1")
  trap 'rm -rf "${removed_at_end[@]}"' EXIT
  # Without these a signal would end the script but not run the trap above.
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# only_one FILE: waits while another script holds this lock; kept until the script ends.
only_one() {
  local lock
  exec {lock}> "$1" || die "cannot write $1"
  flock -n "$lock" || { say "waiting for another run (it holds $1)"; flock "$lock"; }
}

# source_state: a hash of all that the outcome of the tests depends on: the files of the checkout but ignored ones, with
# their modes; the installed packages, the processor, and what the environment says. Fails outside a git checkout.
source_state() {
  (
    cd "$GRAFT_ROOT"
    git rev-parse --git-dir > /dev/null 2>&1 || exit 1
    # A tracked file that was deleted has no line.
    files() { git ls-files -z --cached --others --exclude-standard | sort -z; }
    {
      files | xargs -0 stat -c '%a %n' 2> /dev/null || true
      files | xargs -0 sha256sum 2> /dev/null || true
      dpkg-query -W 2> /dev/null || true
      uname -srm
      grep -m 2 -E '^(model name|flags)' /proc/cpuinfo || true
      nproc
      env | grep -E '^(GRAFT_|CC=|CXX=|[A-Z]*FLAGS=|CMAKE_|PATH=|OMP_|MKL_|ATEN_|ONEDNN_)' | sort || true
    } | sha256sum | cut -c1-64
  )
}

# need_space FOLDER MEGABYTES WHAT: stops when the file system of FOLDER has less free space.
need_space() {
  mkdir -p "$1" 2>/dev/null || die "cannot create the folder $1"
  local free
  free=$(df -Pm "$1" | awk 'NR==2 {print $4}')
  [ "$free" -ge "$2" ] || die "too little disk: $1 has $free MB free, $3 needs $2 MB"
}

# pin_of NAME: the line of pins.txt; NAME is NAME==VERSION where there are several.
pin_of() {
  grep -m 1 "^$1[= ]" "$GRAFT_ROOT/tools/pins.txt" || die "tools/pins.txt has no line for $1"
}

# The version that pins.txt gives for a package.
pinned_version() {
  pin_of "$1" | sed 's/^[^=]*==\([^ ]*\) .*/\1/'
}

# pins_key NAME...: a short hash of these lines of pins.txt, for the names of what is made of them.
pins_key() {
  local name
  for name; do pin_of "$name"; done | sha256sum | cut -c1-8
}

# fetch NAME FOLDER [wheel|source]: downloads a pinned package into FOLDER; pip checks the sha256. Nothing of it is run.
# NAME is NAME==VERSION where pins.txt has several versions.
fetch() {
  local folder=$2 kind=${3:-wheel} requirement pin python_path=${PYTHONPATH:-}
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
  remove_at_end "$requirement"
  pin_of "$1" > "$requirement"
  pin=$(cut -d' ' -f1 "$requirement")
  say "downloading $pin"
  if ! PINNED=$pin PYTHONPATH=$python_path PYTHONDONTWRITEBYTECODE=1 \
      python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
      "${how[@]}" -d "$folder" -r "$requirement" >&2; then
    die "cannot download $pin (no network, or the file is not the pinned one)"
  fi
}
