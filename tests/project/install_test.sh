#!/usr/bin/env bash
# Installs graft into a folder of its own, builds tools/examples against the installed package as a user would, and runs
# them on the golden classifier and on golden word vectors. Also: every installed header compiles alone and is not an internal one; the plain build needs nothing that only tests need, and the programs of the README are
# these examples, word for word.
set -euo pipefail
source_dir=$1 build_dir=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build_dir" --prefix "$work/graft" > "$work/log" || { cat "$work/log"; exit 1; }
# The dependencies are where the build found them.
prefixes=$(sed -n 's/^\(absl_DIR\|LibTorch_INCLUDE_DIR\|SentencePiece_INCLUDE_DIR\):[A-Z]*=//p' "$build_dir/CMakeCache.txt" |
  sed 's|/lib/cmake/absl$||; s|/include$||' | paste -sd ';')
CMAKE_PREFIX_PATH='' cmake -S "$source_dir/tools/examples" -B "$work/build" -G Ninja \
  -DCMAKE_PREFIX_PATH="$work/graft;$prefixes" > "$work/log" || { cat "$work/log"; exit 1; }
cmake --build "$work/build" > "$work/log" || { cat "$work/log"; exit 1; }
"$work/build/classify" "$source_dir/tests/golden/bert-tiny" > "$work/out"
test "$(wc -l < "$work/out")" = 2
grep -q '^\(negative\|neutral\|positive\)  0\.[0-9]*  A wonderful film\.$' "$work/out"
printf 'king 1 1 0\nqueen 1 1 0.2\nman 1 0 0\ntable 0 0 1\n' > "$work/vectors.txt"
test "$("$work/build/nearest_words" "$work/vectors.txt" king none)" = 'king: queen 0.990148 man 0.707107 table 0
none: unknown'
"$work/build/nearest_words" "$source_dir/tests/golden/vectors/skipgram.bin" unbekannt > "$work/out"
grep -q '^unbekannt: [^ ]* 0\.[0-9]* ' "$work/out"

"$work/build/embed" "$source_dir/tests/golden/embedder-chain" > "$work/out"
test "$(wc -l < "$work/out")" = 1
grep -q '^-\?0\.[0-9]*  A wonderful film\.  I liked this movie\.$' "$work/out"

if grep -rl 'Internal: not' "$work/graft/include"; then echo "installed, and internal by their own words" >&2; exit 1; fi
mkdir "$work/headers"
cat > "$work/headers/CMakeLists.txt" << 'END'
cmake_minimum_required(VERSION 3.25)
project(headers LANGUAGES CXX)
find_package(graft REQUIRED)
file(GLOB_RECURSE headers RELATIVE "${INCLUDES}" "${INCLUDES}/*.h")
foreach(header IN LISTS headers)
  string(MAKE_C_IDENTIFIER "${header}" name)
  file(WRITE "${CMAKE_BINARY_DIR}/${name}.cc" "#include \"${header}\"\n")
  list(APPEND sources "${CMAKE_BINARY_DIR}/${name}.cc")
endforeach()
add_library(headers OBJECT ${sources})
target_link_libraries(headers PRIVATE graft::tasks)
END
CMAKE_PREFIX_PATH='' cmake -S "$work/headers" -B "$work/headers/build" -G Ninja -DINCLUDES="$work/graft/include/graft" \
  -DCMAKE_PREFIX_PATH="$work/graft;$prefixes" > "$work/log" || { cat "$work/log"; exit 1; }
cmake --build "$work/headers/build" > "$work/log" || { cat "$work/log"; exit 1; }

(cd "$source_dir" && CMAKE_PREFIX_PATH='' cmake --preset release -B "$work/plain" "-DCMAKE_PREFIX_PATH=$prefixes" \
  -DCMAKE_DISABLE_FIND_PACKAGE_GTest=ON -DCMAKE_DISABLE_FIND_PACKAGE_benchmark=ON \
  -DCMAKE_DISABLE_FIND_PACKAGE_Python3=ON) > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
# The installed program runs from where it is.
test "$("$work/graft/bin/graft" --version)" = "$("$build_dir/bin/graft" --version)"

# Each program of the README in a file of its own: readme1.cc, readme2.cc.
awk -v stem="$work/readme" '/^```cpp$/ {inside = 1; ++number; next} /^```$/ {inside = 0} inside {print > (stem number ".cc")}' \
  "$source_dir/README.md"
diff "$work/readme1.cc" "$source_dir/tools/examples/classify.cc"
diff "$work/readme2.cc" "$source_dir/tools/examples/embed.cc"
