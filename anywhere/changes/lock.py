"""One run at a time on a host, local or over SSH, with no lock that outlives its holder.

The lock names the process that holds it on that host: the tool itself, or the SSH daemon's process of the connection.
When that process is gone, killed or cut off, the lock is free again, at once and after no waiting time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from anywhere.changes.base import ChangeFailed, HostBusy
from anywhere.hosts.base import Host

LOCK = "/run/anywhere.lock"

# Shells, sudo and the like between the holder and this script end with it, so they are passed over. Field 22 of
# /proc/PID/stat, the start time, tells a living holder from another process that got its number. Who comes from another
# namespace (nsenter) has no parent here to be named: such a lock counts for five minutes.
_HOLDER = """
fields() { f=$(cat "/proc/$1/stat" 2>/dev/null) || return 1; f=${f##*) }; }
holder=$PPID
while [ "$holder" -gt 1 ]; do
  read -r comm < "/proc/$holder/comm" || break
  case $comm in sh|bash|dash|ash|ksh*|zsh|fish|busybox|sudo|doas|su|env|timeout|nsenter|ip) ;; *) break ;; esac
  fields "$holder" || break
  set -- $f
  holder=$2
done
# Whoever started this may have been killed meanwhile: nobody would then hold the lock, and init would seem to.
if fields "$$"; then set -- $f; [ "$2" = "$PPID" ] || exit 6; fi
if [ "$holder" -gt 1 ]; then fields "$holder" || exit 6; fi
if [ "$holder" = 1 ]; then
  read -r comm < /proc/1/comm
  case $comm in python*|anywhere*) ;; *) exit 6 ;; esac
fi
if fields "$holder"; then set -- $f; me="$holder ${20}"
else me="0 $(date +%s)"; fi
umask 077
exec 9<>"$lock" || exit 4
flock -w 5 9 || exit 5
read -r pid start what < "$lock" || :
"""
_TAKE = (
    "lock=$1; name=$2\n"
    + _HOLDER
    + """
if [ -n "$pid" ] && fields "$pid"; then
  set -- $f
  if [ "${20}" = "$start" ]; then echo "process $pid on that host ($what)"; exit 3; fi
fi
if [ "$pid" = 0 ] && [ $((${me#* } - start)) -lt 300 ] 2>/dev/null; then
  echo "a process of another namespace ($what), since less than five minutes"; exit 3
fi
echo "$me $name" > "$lock"
"""
)
_RELEASE = "lock=$1\n" + _HOLDER + 'if [ "$pid" = 0 ] || [ "$pid $start" = "$me" ]; then : > "$lock"; fi\n'
_HELD = 3
_NOT_WRITABLE = (2, 4)


@contextmanager
def locked(host: Host, name: str) -> Iterator[None]:
    """Hold the host's lock. Raises HostBusy when another run has it, ChangeFailed when it cannot be taken."""
    done = host.run(("sh", "-c", _TAKE, "lock", LOCK, name), timeout=15)
    if done.rc == _HELD:
        raise HostBusy(f"another run is changing {host.name}: {done.stdout.strip()}; wait for it, or end it")
    if not done.ok:
        why = "it must run as root" if done.rc in _NOT_WRITABLE else done.stderr.strip() or f"rc {done.rc}"
        raise ChangeFailed(f"the lock {LOCK} on {host.name} cannot be taken: {why}")
    try:
        yield
    finally:
        host.run(("sh", "-c", _RELEASE, "unlock", LOCK), timeout=15)
