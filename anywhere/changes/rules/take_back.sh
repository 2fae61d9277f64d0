# shellcheck shell=sh
# Removes every rule with our comment, exactly as iptables-save prints it: right with any number of copies, and with none.
# Chains and tables of iptables-nft that our rules brought into being go when they are empty: nft refuses others. Chains
# are listed without their rules, which may be thousands.
# usage: take_back PROGRAM WAIT ip|ip6 TABLE:CHAIN...
program=$1 wait=$2 ip=$3
shift 3
# Without the program the kernel keeps its rules until the next boot: where there is no such table, there is none of ours.
empty() {
  case $program in *-legacy) ;; *) tables=$(nft list tables) && ! printf '%s\n' "$tables" | grep -qE "^table $ip (filter|nat)$" || return ;; esac
  case $program in *-nft) ;; *) ! grep -qE '^(filter|nat)$' "/proc/net/${ip}_tables_names" 2>/dev/null ;; esac
}
if ! command -v "$program-save" >/dev/null; then
  empty 2>/dev/null && exit 0
  echo "$program-save is missing, and the kernel may still have the rules: install iptables, then run the same command again" >&2
  exit 1
fi
save=$("$program-save") || exit 1
printf '%s\n' "$save" | sed -n -e '/^\*/p' -e '/^COMMIT/p' -e '/ --comment "\{0,1\}anywhere-rules-/s/^.*-A /-D /p' |
  "$program-restore" --noflush ${wait:+"$wait"} || exit 1
[ $# -gt 0 ] || exit 0
chains() {
  nft list chains 2>/dev/null | while read -r what first second _; do
    case $what in
      table) table=; [ "$first" != "$ip" ] || { table=$second; echo "$table:"; } ;;
      chain) [ -z "$table" ] || echo "$table:$first" ;;
    esac
  done
}
for chain in $(chains); do
  for made; do [ "$made" != "$chain" ] || nft delete chain "$ip" "${made%:*}" "${made#*:}" 2>/dev/null; done
done
left=$(chains)
for table in filter nat; do
  case " $* " in *" $table:"*) ;; *) continue ;; esac
  [ "$(printf '%s\n' "$left" | grep "^$table:")" != "$table:" ] || nft delete table "$ip" "$table"
done
exit 0
