# shellcheck shell=sh
# Asks from where containers live: the network namespace of one on the bridge or, with `prove`, a namespace made for the
# purpose and taken away again. With `look` nothing is made and nothing is changed. Needs root, nsenter, and curl or bash.
# usage: sh -c TEXT NAME look|prove BRIDGE GATEWAY FREE_ADDRESS/PREFIX MTU QUESTION...
# A question is `dns SERVER NAME`, `tls ADDRESS PORT NAME`, `tcp ADDRESS PORT` or `http ADDRESS PORT`, in one word each.
# Prints `place WHERE`, then `container N OUTCOME`, and where that was no answer `host N OUTCOME`, from outside.
mode=$1 bridge=$2 gateway=$3 free=$4 mtu=$5
shift 5
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
unset ENV BASH_ENV CDPATH http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy CURL_HOME
umask 077
own=anywhere-way-$$
made=''

clean_up() {
  trap '' HUP INT TERM
  [ -z "$made" ] || { ip link del "anyw$$" 2>/dev/null; ip netns del "$own" 2>/dev/null; }
}
trap clean_up EXIT
trap 'exit 130' HUP INT TERM

[ "$(id -u)" = 0 ] || { echo 'place none root'; exit 0; }
command -v nsenter >/dev/null || { echo 'place none nsenter'; exit 0; }

found=''
for file in /run/docker/netns/* /run/netns/*; do
  [ -e "$file" ] || continue
  case $file in */default|*/anywhere-*) continue ;; esac
  case $(nsenter --net="$file" ip -4 route show default 2>/dev/null) in
    *"via $gateway "*) found=$file; break ;;
  esac
done

if [ -n "$found" ]; then
  echo "place container ${found##*/}"
elif [ "$mode" = prove ]; then
  # What a run that was killed left behind.
  for old in $(ip netns list 2>/dev/null | sed -n 's/^\(anywhere-way-[0-9]*\).*/\1/p'); do
    [ -d "/proc/${old#anywhere-way-}" ] || { ip link del "anyw${old#anywhere-way-}" 2>/dev/null; ip netns del "$old"; }
  done
  made=yes
  { ip netns add "$own" && ip link add "anyw$$" type veth peer name eth0 netns "$own"; } || { echo 'place none namespaces'; exit 0; }
  ip link set "anyw$$" mtu "$mtu" master "$bridge" up || { echo 'place none bridge'; exit 0; }
  ip -n "$own" -batch - <<BATCH
link set lo up
addr add $free dev eth0
link set eth0 mtu $mtu up
route add default via $gateway
BATCH
  found=/run/netns/$own
  for _ in 1 2 3 4 5 6 7 8; do
    [ "$(cat "/sys/class/net/anyw$$/operstate")" = up ] && break
    sleep 0.02
  done
  echo 'place throwaway'
else
  echo 'place none container'
  exit 0
fi

# shellcheck disable=SC2016
ask_dns='
packet="\\x12\\x34\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00"
IFS=. read -r -a labels <<<"$1"
for label in "${labels[@]}"; do
  packet+=$(printf "\\\\x%02x" "${#label}"); packet+=$label
done
packet+="\\x00\\x00\\x01\\x00\\x01"
for patience in 0.8 1.2; do
  exec 3<>"/dev/udp/$0/53" || exit 1
  printf "$packet" >&3 2>/dev/null || exit 1
  head=$(timeout $patience dd bs=1500 count=1 <&3 2>/dev/null | od -An -tx1 -N4)
  exec 3>&-
  [ -z "$head" ] || { echo "answered ${head##* }"; exit; }
done
echo silent'

# shellcheck disable=SC2086
dns() { timeout 4 $1 bash -c "$ask_dns" "$2" "$3" 2>/dev/null || echo failed; }

tls() {
  command -v curl >/dev/null || { tcp "$1" "$2" "$3"; return; }
  said=$($1 curl -qsk -o /dev/null --noproxy '*' --connect-timeout 1.5 --max-time 2.5 \
    -w '%{http_code} %{local_ip}' --resolve "$4:$3:$2" "https://$4:$3/" 2>/dev/null)
  case $said in
    '000 ') echo silent ;;
    000*) echo stalled ;;
    [1-9]*) echo "answered ${said%% *}" ;;
    *) echo failed ;;
  esac
}

tcp() {
  # shellcheck disable=SC2016
  if $1 timeout 2 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$2" "$3" 2>/dev/null; then echo answered; else echo silent; fi
}

http() {
  command -v curl >/dev/null || { tcp "$1" "$2" "$3"; return; }
  code=$($1 curl -qs -o /dev/null --noproxy '*' --connect-timeout 2 --max-time 2.5 -w '%{http_code}' "http://$2:$3/")
  case $code in 000|'') echo silent ;; *) echo "answered $code" ;; esac
}

inside="nsenter --net=$found"
number=0
for question in "$@"; do
  # shellcheck disable=SC2086
  set -- $question
  # A busy machine answers late: what got no answer is asked once more, and from the host itself beside it.
  {
    said=$($1 "$inside" "$2" "$3" "$4")
    case $said in
      answered*) ;;
      *) said=$($1 "$inside" "$2" "$3" "$4"); echo "host $number $($1 '' "$2" "$3" "$4")" ;;
    esac
    echo "container $number $said"
  } &
  number=$((number + 1))
done
wait
