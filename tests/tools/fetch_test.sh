#!/usr/bin/env bash
# A pinned source distribution is downloaded without running anything of it and without its build tools; another file
# than the pinned one is refused. Needs no network: pip looks into a folder.
set -euo pipefail
work=$(mktemp -d)
. "$1/tools/common.sh"
remove_at_end "$work"

# make_package NAME old|new: without or with a pyproject.toml that names a build tool.
make_package() {
  local name=$1 tree=$work/$1-1.0
  mkdir -p "$tree"
  printf 'open("%s/ran", "w")\nraise SystemExit("setup.py was run")\n' "$work" > "$tree/setup.py"
  [ "$2" = old ] ||
    printf '[build-system]\nrequires = ["no-such-tool==9"]\nbuild-backend = "setuptools.build_meta"\n' > "$tree/pyproject.toml"
  printf 'Metadata-Version: 2.1\nName: %s\nVersion: 1.0\n' "$name" > "$tree/PKG-INFO"
  mkdir -p "$work/index"
  tar -czf "$work/index/$name-1.0.tar.gz" -C "$work" "$name-1.0"
  printf '%s==1.0 --hash=sha256:%s\n' "$name" "$(sha256sum < "$work/index/$name-1.0.tar.gz" | cut -c1-64)" >> "$work/pins"
}
make_package graft-old old
make_package graft-new new
cp -r "$1/tools" "$work/tools"
mv "$work/pins" "$work/tools/pins.txt"
export PIP_NO_INDEX=1 PIP_FIND_LINKS=$work/index
GRAFT_ROOT=$work

for name in graft-old graft-new; do
  fetch "$name" "$work/got" source
  cmp "$work/index/$name-1.0.tar.gz" "$work/got/$name-1.0.tar.gz"
done
test ! -e "$work/ran"

sed -i 's/sha256:.\{8\}/sha256:00000000/' "$work/tools/pins.txt"
if (fetch graft-old "$work/other" source) 2> "$work/message"; then exit 1; fi
grep -q 'cannot download graft-old==1.0' "$work/message"
test ! -e "$work/other/graft-old-1.0.tar.gz"
