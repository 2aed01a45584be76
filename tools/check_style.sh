#!/usr/bin/env bash
# clang-format on all sources and clang-tidy on the folders without LibTorch, whose headers it would take long to read.
#
#   tools/check_style.sh BUILD         BUILD has compile_commands.json
#   tools/check_style.sh BUILD --all   clang-tidy on all folders
set -euo pipefail
. "$(dirname "$0")/common.sh"
cd "$GRAFT_ROOT"
build=${1:?the build folder is missing}
mapfile -t sources < <(git ls-files --cached --others --exclude-standard '*.cc' '*.h' '*.cu')
[ ${#sources[@]} -gt 0 ] || die "not a git checkout"
clang-format-19 --dry-run --Werror "${sources[@]}" || die "clang-format-19 -i on the files above mends this"
folders=(base embeddings tokenizers tokenizers/{decoders,files,lanes,models,normalizers,pre_tokenizers} models/weights)
[ "${2:-}" != --all ] || folders+=(models models/kernels tasks tools)
mapfile -t checked < <(for folder in "${folders[@]}"; do ls "$folder"/*.cc; done)
# A file that has passed is not checked again until it, a header or the rules change.
stamps=$build/tidy
mkdir -p "$stamps"
headers=$(cat .clang-tidy $(git ls-files --cached --others --exclude-standard '*.h') | sha256sum | cut -c1-16)
stamp() { printf '%s/%s-%s-%s' "$stamps" "${1//\//_}" "$(sha256sum < "$1" | cut -c1-16)" "$headers"; }
pending=()
for file in "${checked[@]}"; do [ -e "$(stamp "$file")" ] || pending+=("$file"); done
[ ${#pending[@]} -gt 0 ] || exit 0
say "clang-tidy on ${#pending[@]} files"
printf '%s\n' "${pending[@]}" |
  xargs -P "$(nproc)" -I{} clang-tidy-19 --quiet --warnings-as-errors='*' --extra-arg=-Wno-unknown-warning-option -p "$build" {} 2> "$stamps/log" ||
  die "clang-tidy found the above"
for file in "${pending[@]}"; do touch "$(stamp "$file")"; done
