#!/bin/sh
# Installs what a bare Debian lacks: `demo` for the embedded region, `test` for the fast tier too, `slow` for everything;
# `package` builds the packages, `test-package` tests them.
set -eu

demo="python3 python3-venv iproute2 iptables nftables dnsmasq-base squid-openssl nginx-light openssh-server openssh-client
curl ca-certificates util-linux procps"
test="login git sudo unbound ipset busybox-static shellcheck dropbear-bin systemd distro-info-data gpg gpgv gpg-agent"
slow="mmdebstrap systemd-container docker.io firewalld ufw conntrack dbus chromium tmux tcpdump jq strace"
package="python3 python3-pip git ca-certificates autoconf automake libtool libltdl-dev dpkg-dev make patch perl xz-utils bzip2
file binutils binutils-x86-64-linux-gnu binutils-aarch64-linux-gnu zip debian-archive-keyring"
testing="rpm rpmlint lintian qemu-user-static createrepo-c dnf apt-utils fish zsh bash-completion man-db libc6-arm64-cross libgcc-s1-arm64-cross
openssl"

case "${1:-demo}" in
  demo) wanted=$demo ;;
  test) wanted="$demo $test" ;;
  slow) wanted="$demo $test $slow" ;;
  package) wanted=$package ;;
  test-package) wanted="$demo $test $slow $package $testing" ;;
  *) echo "usage: packages.sh [demo|test|slow|package|test-package]" >&2; exit 2 ;;
esac

missing=
for package in $wanted; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "packages.sh: as root on Debian, install:$missing" >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
# A package must not start its service on the machine that only tests with it.
policy=/usr/sbin/policy-rc.d
made=
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  made=1
fi
trap '[ -z "$made" ] || rm -f "$policy"' EXIT
apt-get update -qq
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing >/dev/null
