# shellcheck shell=sh
# Removes the host route to an address over the loopback, where it is.
# usage: remove_route ADDRESS
ip -4 route del "$1/32" dev lo 2>/dev/null
exit 0
