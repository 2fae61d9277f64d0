# shellcheck shell=sh
# Removes a table of nftables, of IPv4 and of IPv6, where it is.
# usage: remove_tables NAME
for ip in ip ip6; do
  ! nft list table "$ip" "$1" >/dev/null 2>&1 || nft delete table "$ip" "$1" || exit 1
done
