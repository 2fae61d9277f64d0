# shellcheck shell=sh
# Refuses folders that cannot be written, and with KIB above 0 those on a disk that is full. Says why on standard output.
# usage: room KIB FOLDER...
need=$1
shift
for d; do
  while [ ! -d "$d" ]; do d=$(dirname -- "$d"); done
  [ -w "$d" ] || { echo "$d is read-only, or this is not root"; exit 1; }
  [ "$need" -gt 0 ] || continue
  # shellcheck disable=SC2046
  set -- $(stat -f -c '%a %S %c %d' -- "$d") || exit 1
  # Blocks may be as many as 64 bits count: divided first.
  # shellcheck disable=SC2017
  [ $(($1 / 1024 * $2 + $1 % 1024 * $2 / 1024)) -ge "$need" ] || { echo "$d has no room: the disk is full"; exit 1; }
  [ "$3" -eq 0 ] || [ "$4" -gt 16 ] || { echo "$d has no room: no inodes are left"; exit 1; }
done
