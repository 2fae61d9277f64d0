# shellcheck shell=sh
# Gives a clone an identity of its own: a new machine-id and new SSH host keys. The keys are made elsewhere and moved over
# the old ones, so that sshd is never without; connections stay.
# usage: reclaim
id=$(tr -d - < /proc/sys/kernel/random/uuid) && [ "${#id}" = 32 ] || exit 1
if [ ! -L /var/lib/dbus/machine-id ]; then rm -f /var/lib/dbus/machine-id; fi
new=/etc/.machine-id.anywhere
printf '%s\n' "$id" > "$new" && chmod 444 "$new" && { sync "$new" 2>/dev/null || sync; } || exit 1
if grep -q ' /etc/machine-id ' /proc/self/mountinfo; then
  rm -f "$new"
  echo "/etc/machine-id is a mount: the machine's manager has to give it a new one" >&2
  exit 1
fi
mv -fT "$new" /etc/machine-id || exit 1
if [ -d /var/lib/dbus ] && [ ! -e /var/lib/dbus/machine-id ]; then ln -s /etc/machine-id /var/lib/dbus/machine-id; fi
rm -f /var/lib/systemd/random-seed
if command -v ssh-keygen >/dev/null && ls /etc/ssh/ssh_host_*_key >/dev/null 2>&1; then
  scratch=$(mktemp -d /etc/ssh/.anywhere.XXXXXXXX) || exit 1
  trap 'rm -rf -- "$scratch"' EXIT
  mkdir -p "$scratch/etc/ssh" && ssh-keygen -q -A -f "$scratch" || exit 1
  for key in "$scratch"/etc/ssh/ssh_host_*; do mv -fT -- "$key" "/etc/ssh/${key##*/}" || exit 1; done
  systemctl try-restart ssh.service sshd.service 2>/dev/null
fi
exit 0
