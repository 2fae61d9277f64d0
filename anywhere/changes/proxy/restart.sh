# shellcheck shell=sh
# Lets systemd read its units again, where it runs, and restarts these, in this order.
# usage: restart UNIT...
[ ! -d /run/systemd/system ] || systemctl daemon-reload || exit 1
for unit; do systemctl restart "$unit" || exit 1; done
