#!/usr/bin/env bash
# What the scripts share: the state of the sources, the lock, the removal of temporaries.
set -euo pipefail
. "$1/tools/common.sh"
work=$(mktemp -d)
remove_at_end "$work"
GRAFT_ROOT=$work/checkout

# A state changes with contents, names and modes of tracked and new files, with the environment, and with nothing else.
if (mkdir "$work/none" && GRAFT_ROOT=$work/none GIT_CEILING_DIRECTORIES=$work source_state); then exit 1; fi
git init -q "$GRAFT_ROOT"
cd "$GRAFT_ROOT"
printf 'ignored\n' > .gitignore
printf 'one\n' > a
git add .
last=$(source_state)
same() { test "$(source_state)" = "$last"; }
changed() { ! same || { echo "no new state: $1" >&2; exit 1; }; last=$(source_state); }
same
touch ignored a && same
printf 'two\n' > a && changed contents
chmod +x a && changed mode
touch new && changed "new file"
mv new other && changed name
rm a && changed "deleted file"
test "$(GRAFT_X=1 source_state)" != "$last"

# The lock is held to the end of the script that has it.
bash -c '. "$0/tools/common.sh"; only_one "$1/lock"; touch "$1/first"; sleep 1; touch "$1/done"' "$1" "$work" &
while [ ! -e "$work/first" ]; do sleep 0.05; done
(only_one "$work/lock" && test -e "$work/done") 2> "$work/message"
grep -q "waiting for another run" "$work/message"
wait

# Temporaries go when a script fails or gets a signal; a subshell removes only its own.
start='. "$0/tools/common.sh"; remove_at_end "$1/temporary"; '
for end in 'exit 1' 'kill -TERM $$; sleep 1' 'kill -INT $$; sleep 1'; do
  touch "$work/temporary"
  if bash -c "$start $end" "$1" "$work"; then exit 1; fi
  test ! -e "$work/temporary"
done
touch "$work/temporary" "$work/sub"
bash -c "$start"'(remove_at_end "$1/sub"); test -e "$1/temporary" && test ! -e "$1/sub"' "$1" "$work"
test ! -e "$work/temporary"
