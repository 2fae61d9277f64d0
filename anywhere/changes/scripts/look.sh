# shellcheck shell=sh
# Prints kind, owner, mode and name of the journal's folder and of all that belongs to the journal, a line each.
# usage: look BASE
base=$1
[ -d "${base%/*}" ] || exit 0
[ -r "${base%/*}" ] || { echo "${base%/*}: run as root" >&2; exit 1; }
stat -L -c '%F:%u:%a:%n' -- "${base%/*}"
for file in "$base.journal" "$base.seal" "$base.copy" "$base.cleared" "$base.undo" "$base.undo"/*; do
  if [ -e "$file" ] || [ -L "$file" ]; then stat -c '%F:%u:%a:%n' -- "$file"; fi
done
exit 0
