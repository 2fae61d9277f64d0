# shellcheck shell=sh
# Stops units, those that are there; a unit that does not end is killed by systemd after its own time.
# usage: halt UNIT...
for unit; do
  systemctl stop "$unit" 2>/dev/null
  systemctl reset-failed "$unit" 2>/dev/null
done
for unit; do
  case $(systemctl is-active "$unit" 2>/dev/null) in
    active | activating | deactivating | reloading) echo "$unit does not stop" >&2; exit 1 ;;
  esac
done
exit 0
