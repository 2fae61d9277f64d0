# shellcheck shell=sh
# Takes the identity off a machine that becomes an image: its machine-id is made at the next boot, its SSH host keys by
# the unit anywhere-first-boot.service, which must be enabled before this runs.
# usage: seal
[ -e /etc/systemd/system/anywhere-first-boot.service ] || { echo "the unit of the first boot is missing" >&2; exit 1; }
if grep -q ' /etc/machine-id ' /proc/self/mountinfo; then
  echo "/etc/machine-id is a mount: seal the image where it is a file" >&2
  exit 1
fi
if [ ! -L /var/lib/dbus/machine-id ]; then rm -f /var/lib/dbus/machine-id; fi
if [ -d /var/lib/dbus ] && [ ! -e /var/lib/dbus/machine-id ]; then ln -s /etc/machine-id /var/lib/dbus/machine-id; fi
: > /etc/machine-id || exit 1
rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub /var/lib/systemd/random-seed
sync
exit 0
