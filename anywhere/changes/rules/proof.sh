# shellcheck shell=sh
# Sends real requests to the credential address: from this host, from a namespace plugged into the docker bridge, and
# from one that plays a neighbour on the network. All that it makes is named after its process id and removed again.
# Needs root, iproute2, bash. Prints one line a question: `name outcome detail`.
# usage: sh -s BRIDGE BRIDGE_ADDRESS/PREFIX FREE_ADDRESS PATIENCE LONG_PATIENCE LONGEST_PATIENCE
bridge=$1 bridge_address=$2 free=$3 patience=$4 longer=$5 longest=$6
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# Nothing of the caller's folder or environment decides what the interpreters below run as root.
unset ENV BASH_ENV CDPATH TMPDIR PYTHONPATH PYTHONHOME PERL5LIB PERL5OPT PERLLIB
cd / || exit 1
umask 077
token=anywhere-proof-$$
near=$token-c far=$token-n
work=$(mktemp -d) || exit 1
servers=''

clean_up() {
  trap '' HUP INT TERM
  for pid in $servers; do kill "$pid" 2>/dev/null; done
  for name in "$near" "$far"; do ip netns del "$name" 2>/dev/null; done
  for link in "anyc$$" "anyn$$"; do ip link del "$link" 2>/dev/null; done
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' HUP INT TERM

# What a run that was killed left behind.
for old in $(ip netns list 2>/dev/null | sed -n 's/^\(anywhere-proof-[0-9]*-[cn]\).*/\1/p'); do
  pid=${old#anywhere-proof-}
  [ -d "/proc/${pid%-*}" ] || ip netns del "$old"
done

# Hundredths of a second since the boot.
now() {
  read -r uptime _ </proc/uptime
  echo "${uptime%.*}${uptime#*.}"
}

# Connect, ask, and print what came: `answered` and the first line, `connected` without one, or why not. $1 is a command
# prefix, may be empty; $5 a patience. The kernel answers a SYN at once, however busy the host: `silent` means that none
# came in at least half of the patience, `late` that the question itself came too late to tell.
ask() {
  wait=${5:-$patience}
  start=$(now)
  # shellcheck disable=SC2016
  said=$($1 timeout "$wait" bash -p -c '
    read -r uptime _ </proc/uptime; echo "asks ${uptime%.*}${uptime#*.}"
    exec 3<>"/dev/tcp/$0/$1" || exit 7
    echo connected
    printf "GET / HTTP/1.0\r\nHost: %s\r\n\r\n" "$0" >&3
    IFS= read -r line <&3; printf "first %.200s\n" "$line"' "$2" "$3" 2>"$work/error.$4" | tr -d '\0\r')
  case $said in
    *"first HTTP/"*"$token"*) echo "$4 answered temporary" ;;
    *"first HTTP/"*) echo "$4 answered ${said##*first }" ;;
    *connected*) echo "$4 connected" ;;
    *)
      error=$(tr '\n' ' ' < "$work/error.$4")
      case $error in
        *refused*) echo "$4 refused" ;;
        *unreachable*|*"No route"*) echo "$4 unreachable ${error##*: }" ;;
        *[a-z]*) echo "$4 failed ${error##*: }" ;;
        *) echo "$4 $(silence "$start" "$wait" "$said")" ;;
      esac ;;
  esac
}

# $1 is when `timeout` was started, $2 what it was given, $3 when the question was asked.
silence() {
  case $3 in "asks "[0-9]*) ;; *) echo late; return ;; esac
  case $2 in *.*) given=${2%.*}${2#*.}0 ;; *) given=${2}00 ;; esac
  given=${given#0}
  if [ $(((${3#asks } - $1) * 2)) -le "$given" ]; then echo silent; else echo late; fi
}

reply="r=\$(printf '\\r'); while read -r l && [ \"\$l\" != \"\$r\" ]; do :; done; printf 'HTTP/1.0 200 $token\\r\\n\\r\\n'"
# Both serve each connection by itself: the questions run side by side, and whoever connects and says nothing delays none.
script="import socket,sys,threading,time
s=socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET); s.setsockopt(1,2,1)
s.bind((sys.argv[1],int(sys.argv[2]))); s.listen(128)
def serve(c):
    c.settimeout(2); asked=b''; more=True
    try:
        while more and b'\r\n\r\n' not in asked: more=c.recv(999); asked+=more
        c.sendall(b'HTTP/1.0 200 $token\r\n\r\n')
    except OSError: pass
    c.close()
while 1:
    try: threading.Thread(target=serve,args=(s.accept()[0],),daemon=True).start()
    except (OSError,RuntimeError): time.sleep(.05)"
perl_script="use Socket; socket(S,PF_INET,SOCK_STREAM,6)||die; setsockopt(S,SOL_SOCKET,SO_REUSEADDR,1);
bind(S,sockaddr_in(\$ARGV[1],inet_aton(\$ARGV[0])))||die; listen(S,128); \$SIG{CHLD}='IGNORE';
while(1){
  if(accept(C,S)&&defined(\$pid=fork)){
    if(!\$pid){
      alarm 2; \$b=''; while(\$b!~/\r\n\r\n/){sysread(C,\$b,999,length \$b)||last}
      syswrite(C,\"HTTP/1.0 200 $token\r\n\r\n\"); exit
    }
  }else{select(undef,undef,undef,.05)}
  close C
}"

# A listener from what a bare server has: systemd's own, then Python, then Perl. It outlives the longest proof.
serve() {
  if command -v systemd-socket-activate >/dev/null; then
    timeout 120 systemd-socket-activate -l "$1:$2" -a --inetd /bin/sh -c "$reply" >/dev/null 2>&1 &
  elif python=$(command -v python3 /usr/libexec/platform-python | head -n 1) && [ -n "$python" ]; then
    timeout 120 "$python" -I -c "$script" "$1" "$2" >/dev/null 2>&1 &
  elif command -v perl >/dev/null; then
    timeout 120 perl -e "$perl_script" "$1" "$2" >/dev/null 2>&1 &
  else
    return 1
  fi
  servers="$servers $!"
  since=$(now)
  while kill -0 "${servers##* }" 2>/dev/null && [ $(($(now) - since)) -lt 1000 ]; do
    case $(ask '' 127.0.0.1 "$2" "start$2" "$longer") in *answered*) return 0 ;; esac
    sleep 0.05
  done
  return 1
}

listener() {
  said=$(ask '' 127.0.0.1 "$1" "here$1")
  case $said in *silent|*late) said=$(ask '' 127.0.0.1 "$1" "here$1" "$longer") ;; esac
  case $said in *late) said=$(ask '' 127.0.0.1 "$1" "here$1" "$longest") ;; esac
  case $said in
    *silent)
      echo "$3 blocked"
      longer=$patience # the loopback itself does not answer: nothing gains by waiting again
      ;;
    *late) echo "$3 late" ;;
    *refused) if serve "$2" "$1"; then echo "$3 temporary"; else echo "$3 none"; fi ;;
    *) echo "$3 present" ;;
  esac
}

{ command -v bash && command -v timeout && command -v ip; } >/dev/null || { echo "tools missing bash, timeout or ip"; exit 0; }
[ "$(id -u)" = 0 ] || { echo "tools missing root"; exit 0; }
listener 51679 127.0.0.1 listener
listener 51678 0.0.0.0 introspection

# A container's place: an end of a cable in the docker bridge, or on a cable of its own where there is no bridge.
{ ip netns add "$near" && ip link add "anyc$$" type veth peer name eth0 netns "$near"; } || { echo "tools missing namespaces"; exit 0; }
if [ -n "$bridge_address" ]; then
  ip link set "anyc$$" master "$bridge" up
  ip -n "$near" addr add "$free" dev eth0
  gateway=${bridge_address%/*}
else
  ip addr add 198.18.254.249/30 dev "anyc$$" && ip link set "anyc$$" up
  ip -n "$near" addr add 198.18.254.250/30 dev eth0
  gateway=198.18.254.249
fi
ip -n "$near" link set eth0 up
ip -n "$near" link set lo up
ip -n "$near" route add default via "$gateway"

# A neighbour: its loopback stays down, so that packets to 127.0.0.1 leave on the wire.
ip netns add "$far" && ip link add "anyn$$" type veth peer name eth0 netns "$far"
ip addr add 198.18.254.253/30 dev "anyn$$"
ip -6 addr add fd61:6e79::1/64 dev "anyn$$" nodad 2>/dev/null
ip link set "anyn$$" up
ip -n "$far" addr add 198.18.254.254/30 dev eth0
ip -n "$far" -6 addr add fd61:6e79::2/64 dev eth0 nodad 2>/dev/null
ip -n "$far" link set eth0 up
ip -n "$far" route add 127.0.0.0/8 via 198.18.254.253
# shellcheck disable=SC2016
ip netns exec "$far" sh -c 'for f in all eth0; do echo 1 > /proc/sys/net/ipv4/conf/$f/route_localnet; done
  echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter; echo 0 > /proc/sys/net/ipv4/conf/eth0/rp_filter'

# The bridge port has to be forwarding before anything is asked.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  ip -n "$near" route get "$gateway" >/dev/null 2>&1 && [ "$(cat "/sys/class/net/anyc$$/operstate")" = up ] && break
  sleep 0.05
done

question() {
  case $1 in
    loopback) ask '' 127.0.0.1 51679 loopback ;;
    host) ask '' 169.254.170.2 80 host ;;
    bridge) ask "ip netns exec $near" 169.254.170.2 80 bridge ;;
    bridge-introspection) ask "ip netns exec $near" "$gateway" 51678 bridge-introspection ;;
    neighbour-loopback) ask "ip netns exec $far" 127.0.0.1 51679 neighbour-loopback ;;
    neighbour-introspection) ask "ip netns exec $far" 198.18.254.253 51678 neighbour-introspection ;;
    neighbour-introspection6) ask "ip netns exec $far" fd61:6e79::1 51678 neighbour-introspection6 ;;
  esac
}

# All at once, then the links. Without an answer to ARP the neighbour was never there, and its silence proves nothing.
round() {
  (
    for name in $1; do question "$name" & done
    wait
  )
  for pair in "$near $gateway bridge-link" "$far 198.18.254.253 neighbour-link"; do
    # shellcheck disable=SC2086
    set -- $pair
    case $(ip -n "$1" neigh show "$2") in *lladdr*) echo "$3 up" ;; *) echo "$3 down" ;; esac
  done
}

questions='loopback host bridge bridge-introspection neighbour-loopback neighbour-introspection'
[ ! -d /proc/sys/net/ipv6 ] || questions="$questions neighbour-introspection6"
round "$questions" > "$work/said"
cat "$work/said"
# A busy host may be too slow for a short patience: then no silence counts before it was given more time.
if grep -Eq '^(loopback|host|bridge) (silent|connected)$| late$|-link down$' "$work/said"; then
  patience=$longer
  round "$(sed -n -e 's/ silent$//p' -e 's/ late$//p' -e 's/ connected$//p' "$work/said")" > "$work/again"
  cat "$work/again"
  # It cannot tell yet: a very busy host is given much more time, and only what it was too late for is asked once more,
  # beside the loopback, which shows whether it was quick enough now.
  late=$(sed -n 's/ late$//p' "$work/again")
  if [ -n "$late" ]; then
    patience=$longest
    round "$(printf '%s\n' loopback "$late" | sort -u)"
  fi
fi
