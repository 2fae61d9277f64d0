#!/bin/bash
# A host of its own (mounts, network, processes) with firewalld: does a packet of docker0 get out before the commands, after
# them, and after a reload? Each answer is a line. The first argument is `zone` where docker has made its zone; the others
# are the commands.
set -eu
mount -t tmpfs tmpfs /run
mkdir -p /run/dbus /run/netns
mount -t tmpfs tmpfs /etc/firewalld
dbus-daemon --system --fork --nopidfile
ip link set lo up
ip netns add outside
ip netns add box
ip link add eth0 type veth peer name far
ip link set far netns outside
ip addr add 198.51.100.1/24 dev eth0
ip link set eth0 up
ip -n outside addr add 198.51.100.2/24 dev far
ip -n outside link set far up
ip -n outside route add default via 198.51.100.1
ip link add docker0 type bridge
ip addr add 172.17.0.1/16 dev docker0
ip link set docker0 up
ip link add v0 type veth peer name e0
ip link set v0 master docker0
ip link set v0 up
ip link set e0 netns box
ip -n box addr add 172.17.0.2/16 dev e0
ip -n box link set e0 up
ip -n box route add default via 172.17.0.1
echo 1 >/proc/sys/net/ipv4/ip_forward
ip netns exec outside python3 -m http.server --bind 198.51.100.2 80 >/run/server.log 2>&1 &
out() {
    if ip netns exec box timeout 2 bash -c 'exec 3<>/dev/tcp/198.51.100.2/80' 2>/dev/null; then
        echo "$1 through"
    else
        echo "$1 stopped"
    fi
}
for _ in $(seq 50); do
    [ "$(out at-first)" = "at-first stopped" ] || break
    sleep 0.1
done
out at-first
firewalld --nofork --nopid >/run/firewalld.log 2>&1 &
for _ in $(seq 100); do
    if firewall-cmd --state >/dev/null 2>&1; then break; fi
    sleep 0.2
done
if [ "$1" = zone ]; then
    # As docker does when it starts beside firewalld (moby libnetwork/iptables/firewalld.go).
    firewall-cmd --quiet --permanent --new-zone=docker
    firewall-cmd --quiet --permanent --zone=docker --set-target=ACCEPT
    firewall-cmd --quiet --reload
fi
shift
out before
for command in "$@"; do
    sh -c "$command" >/dev/null
done
out after
firewall-cmd --quiet --reload
out reloaded
