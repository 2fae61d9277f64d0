# shellcheck shell=sh
# Writes standard input to a file, all of it or nothing, with its folders. A link is followed, so that the file it names
# is written and the link stays; where others may write, none is. The new file gets its name only when it is complete.
# Input that has not SIZE bytes broke off, because its sender was killed or its connection lost.
# usage: write PATH MODE UID:GID SIZE
command -v dd >/dev/null || { echo "dd is missing: install coreutils" >&2; exit 1; }
p=''
follow "$1" || exit 1
d=$(dirname -- "$p")
known=$d
while [ ! -d "$known" ]; do known=$(dirname -- "$known"); done
only_root_writes "$known" || exit 1
[ -d "$d" ] || install -d -m 0755 -- "$d" || exit 1
if [ -n "$shared" ] && [ -e "$p" ] && [ "$(stat -c %u -- "$p")" != 0 ]; then
  echo "$p lies in a folder that others may write to and is not root's: not written" >&2
  exit 1
fi
if [ -e "$p" ] && [ ! -f "$p" ]; then echo "$p is not a file" >&2; exit 1; fi
b=${p##*/}
rm -f -- "$d/.$b.anywhere-"????????????????
t=$d/.$b.anywhere-$(tr -d - < /proc/sys/kernel/random/uuid | cut -c 1-16)
trap 'rm -f -- "$t"' EXIT
# dd creates the file itself and nothing else, and waits until the disk has it. In a shared folder its name may mean
# another file a moment later: there the mode comes from the umask, and nothing is changed by name.
[ -z "$shared" ] || umask "$(printf %o $((0777 & ~0$2)))"
dd of="$t" bs=65536 conv=excl,fsync oflag=nofollow 2>/dev/null || { echo "$d has no room, or is read-only" >&2; exit 1; }
[ "$(stat -c %s -- "$t")" = "$4" ] || { echo "the content of $p did not arrive whole" >&2; exit 1; }
[ "$(stat -c %u:%g -- "$t")" = "$3" ] || { [ -n "$shared" ] && [ "$3" = 0:0 ]; } || chown -h "$3" "$t" || exit 1
[ -n "$shared" ] || chmod "$2" "$t" || exit 1
mv -fT -- "$t" "$p" && { sync "$d" 2>/dev/null || sync; }
