# shellcheck shell=sh
# Takes or gives back the lock of this host. Shells, sudo and the like between the holder and this script end with it, so
# they are passed over. Field 22 of /proc/PID/stat, the start time, tells a living holder from another process that got
# its number. Who comes from another namespace (nsenter) has no parent here to be named: such a lock counts for five minutes.
# usage: lock take|release LOCK NAME; prints the token of the run
verb=$1 lock=$2 name=$3

[ "$(id -u)" = 0 ] || exit 4
command -v flock >/dev/null || { echo "flock is missing: install util-linux" >&2; exit 9; }

fields() { f=$(cat "/proc/$1/stat" 2>/dev/null) || return 1; f=${f##*) }; }
field() { shift "$1"; printf %s "$1"; }

holder=$PPID
while [ "$holder" -gt 1 ]; do
  read -r comm < "/proc/$holder/comm" || break
  case $comm in sh|bash|dash|ash|ksh*|zsh|fish|busybox|sudo|doas|su|env|timeout|nsenter|ip) ;; *) break ;; esac
  fields "$holder" || break
  # shellcheck disable=SC2086
  holder=$(field 2 $f)
done
# Whoever started this may have been killed meanwhile: nobody would then hold the lock, and init would seem to.
if fields "$$"; then
  # shellcheck disable=SC2086
  [ "$(field 2 $f)" = "$PPID" ] || exit 6
fi
if [ "$holder" = 1 ]; then
  read -r comm < /proc/1/comm
  case $comm in python*|anywhere*) ;; *) exit 6 ;; esac
fi
if [ "$holder" = 0 ]; then
  me="0 $(date +%s)"
else
  # Read once: a holder that is gone by now holds nothing.
  fields "$holder" || exit 6
  # shellcheck disable=SC2086
  me="$holder $(field 20 $f)"
fi

if [ -L "$lock" ] || { [ -e "$lock" ] && { [ ! -f "$lock" ] || [ "$(stat -c %u -- "$lock")" != "$(id -u)" ]; }; }; then
  echo "$lock is not a file of root's: remove it" >&2
  exit 7
fi
only_root_writes "$(dirname -- "$lock")" || exit 7
exec 9<> "$lock" || exit 4
chmod 600 "$lock"
held() {
  read -r pid start token what < "$lock" || :
  # shellcheck disable=SC2086
  [ -n "$pid" ] && fields "$pid" && [ "$(field 20 $f)" = "$start" ]
}
if [ "$verb" = take ] && held; then echo "process $pid on that host ($what)"; exit 3; fi
# A command of a run that was killed may still be at work (a package manager, say): it is waited for.
flock -w 240 9 || { echo "a command of a run that was killed ($what)"; exit 5; }
held
case $verb in
  take)
    if held; then
      echo "process $pid on that host ($what)"
      exit 3
    fi
    if [ "$pid" = 0 ] && [ $((${me#* } - start)) -lt 300 ] 2>/dev/null; then
      echo "a process of another namespace ($what), started less than five minutes ago"
      exit 3
    fi
    token=$(tr -d - < /proc/sys/kernel/random/uuid) && [ -n "$token" ] || exit 8
    echo "$me $token $name" > "$lock" && [ -s "$lock" ] || exit 8
    echo "$token"
    ;;
  release) if [ "$token" = "$name" ]; then : > "$lock"; fi ;;
esac
