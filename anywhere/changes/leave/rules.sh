# shellcheck shell=sh
# Removes every copy of the rules that ecs-init adds at its start; a crash leaves more than one (facts of agent 1.105.1).
# usage: rules
drop() {
  program=$1
  shift
  command -v "$program" >/dev/null || return 0
  count=0
  while [ "$count" -lt 50 ] && "$program" -w 5 "$@" 2>/dev/null; do count=$((count + 1)); done
}
for program in iptables ip6tables; do
  drop "$program" -D INPUT -i docker0 -p tcp --dport 51678 -j ACCEPT
  drop "$program" -D INPUT ! -i lo -p tcp --dport 51678 -j DROP
done
drop iptables -D INPUT ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
drop iptables -t nat -D PREROUTING -d 169.254.170.2/32 -p tcp --dport 80 -j DNAT --to-destination 127.0.0.1:51679
drop iptables -t nat -D OUTPUT -d 169.254.170.2/32 -p tcp --dport 80 -j REDIRECT --to-ports 51679
exit 0
