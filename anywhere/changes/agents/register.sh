#!/bin/sh
# register.sh AGENT REGION UNIT: the activation's ID and code come on standard input, so that they are in no argument of ours,
# and after them the proxy's variables, which the agent's unit has and a call from here would lack.
# The SSM agent itself takes them as arguments and nothing else: for as long as its call lasts, `ps` shows them to root,
# and to others where /proc is not mounted with hidepid.
set -u
umask 077
agent=$1 region=$2 unit=$3
vault=/var/lib/amazon/ssm/Vault/Store/RegistrationKey
state=/run/anywhere
out=$state/register.out

# A line without its end broke off, because its sender was killed or its connection lost.
if ! IFS= read -r id || ! IFS= read -r code; then
  echo "the activation did not arrive whole" >&2
  exit 65
fi

while IFS= read -r line; do
  case $line in http_proxy=* | https_proxy=* | no_proxy=*) export "${line%%=*}=${line#*=}" ;; esac
done

registered() {
  grep -qE '"instanceID" *: *"mi-[0-9a-f]+"' "$vault" 2>/dev/null
}

mkdir -p "$state"
exec 9>"$state/register.lock"
# An earlier run may have been killed while its agent still talks to AWS: that agent holds the lock until it has ended,
# and then the host is registered. Without this a second activation would be spent.
flock -w 280 9 || { echo "an earlier registration is still under way" >&2; exit 75; }
registered && exit 0
command -v "$agent" >/dev/null || { echo "$agent is not installed" >&2; exit 127; }
# Its package has started it, without a registration.
systemctl stop "$unit" 2>/dev/null
rm -f /var/lib/amazon/ssm/runtimeconfig/identity_config.json
# Never -y: over a working registration it destroys the key before it calls. A session of its own, and a file in place
# of a pipe: it ends its call, and saves what it got, whatever happens to us.
# shellcheck disable=SC2016 # the inner shell expands them
printf '%s\n%s\n' "$id" "$code" | setsid sh -c '
  IFS= read -r id; IFS= read -r code
  exec "$1" -register -id "$id" -code "$code" -region "$2" </dev/null >"$0" 2>&1
' "$out" "$agent" "$region"
rc=$?
sync "$vault" 2>/dev/null || sync
if registered; then
  rm -f "$out"
  exit 0
fi
tr '\n' ' ' <"$out" | sed 's/.*\(Registration failed\)/\1/; s/goroutine .*//' | cut -c 1-1500 >&2
echo >&2
rm -f "$out"
[ "$rc" -ne 0 ] || rc=1
exit "$rc"
