#!/bin/sh
# Installs the `anywhere` command on this host from a release folder, a mirror or one file, and can go on to `register`.
#
#   sh bootstrap.sh --from https://mirror.example/anywhere [--key release.asc] [-- --region R --cluster C ...]
#   sh bootstrap.sh --from /media/anywhere
#   sh bootstrap.sh --from ./ecs-anywhere-toolkit_0.1.0_amd64.deb --sha256 HEX
#
# Needs a POSIX shell, and curl or wget where --from is a URL. What is after `--` is given to `anywhere register`.
# Nothing is installed that is not in SHA256SUMS (or has another --sha256). With --key, SHA256SUMS must carry a good
# signature by that key (SHA256SUMS.asc, checked by gpgv). Root is asked for by sudo, at the installation alone.
set -u

from='' sha='' key='' dry='' venv=/opt/ecs-anywhere-toolkit work=''

say() { printf '%s\n' "bootstrap: $*" >&2; }
fail() { say "$*"; exit 1; }
usage() {
  sed -n '2,11s/^# \{0,1\}//p' "$0" 2>/dev/null
  printf '%s\n' 'Options: --from URL|FOLDER|FILE  --sha256 HEX  --key FILE  --venv FOLDER  --dry-run  --help'
}
# shellcheck disable=SC2329 # called by the trap
clean() { [ -z "$work" ] || rm -rf "$work"; }

need() { # OPTION VALUE...
  [ -n "${2-}" ] && return
  say "$1 needs a value"
  exit 2
}
while [ $# -gt 0 ]; do
  case $1 in
    --from) need "$@"; from=$2; shift 2 ;;
    --sha256) need "$@"; sha=$2; shift 2 ;;
    --key) need "$@"; key=$2; shift 2 ;;
    --venv) need "$@"; venv=$2; shift 2 ;;
    --dry-run) dry=1; shift ;;
    -h | --help) usage; exit 0 ;;
    --) shift; break ;;
    *) say "unknown word: $1 (words for register follow --)"; exit 2 ;;
  esac
done
[ -n "$from" ] || { usage >&2; exit 2; }
case $sha in
  '') ;;
  *[!0-9a-fA-F]*) say "--sha256 takes 64 hexadecimal digits"; exit 2 ;;
  *) [ ${#sha} -eq 64 ] || { say "--sha256 takes 64 hexadecimal digits"; exit 2; } ;;
esac

digest() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum "$1" | cut -d ' ' -f 1
  elif command -v openssl >/dev/null 2>&1; then openssl dgst -sha256 "$1" | sed 's/.*= *//'
  elif command -v shasum >/dev/null 2>&1; then shasum -a 256 "$1" | cut -d ' ' -f 1
  else fail "no sha256sum, openssl or shasum here: nothing can be verified"; fi
}

fetch() { # URL FILE
  if command -v curl >/dev/null 2>&1; then
    curl -fsSL --retry 3 --connect-timeout 15 -o "$2" "$1" && return 0
  elif command -v wget >/dev/null 2>&1; then
    wget -q -t 3 -T 30 -O "$2" "$1" && return 0
  else
    fail "neither curl nor wget is here: copy the release folder to this host and give its path to --from"
  fi
  rm -f "$2"
  return 1
}

get() { # NAME: the file of the release folder, in $work
  case $from in
    http://* | https://*) fetch "${from%/}/$1" "$work/$1" ;;
    *) [ -f "$from/$1" ] && cp "$from/$1" "$work/$1" ;;
  esac
}

kind() {
  if command -v dpkg >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then echo deb
  elif command -v rpm >/dev/null 2>&1; then echo rpm
  else echo none; fi
}

arch() {
  case $(uname -m) in
    x86_64 | amd64) echo 'x86_64|amd64' ;;
    aarch64 | arm64) echo 'aarch64|arm64' ;;
    *) fail "no package for $(uname -m): x86_64 and aarch64 only" ;;
  esac
}

old_libc() { # the packages carry their own Python, built for glibc 2.17
  version=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed 's/.* 2\.//')
  case $version in '' | *[!0-9]*) return 0 ;; *) [ "$version" -lt 17 ] ;; esac
}

choose() { # the name in SHA256SUMS that fits this host
  want=$(kind) archs=$(arch) || exit 1
  if [ "$want" != none ] && ! old_libc; then
    found=$(sed 's/^[0-9a-fA-F]* [ *]//' "$work/SHA256SUMS" | grep -E "($archs)\.$want\$" | tail -n 1)
    [ -z "$found" ] || { echo "$found"; return 0; }
  fi
  sed 's/^[0-9a-fA-F]* [ *]//' "$work/SHA256SUMS" | grep -E '\.whl$' | tail -n 1
}

listed() { sed -n "s/^\([0-9a-fA-F]\{64\}\) [ *]$(printf '%s' "$1" | sed 's/[.+]/\\&/g')\$/\1/p" "$work/SHA256SUMS" | head -n 1; }

check_sums() {
  [ -n "$key" ] || return 0
  [ -r "$key" ] || fail "--key $key cannot be read"
  command -v gpgv >/dev/null 2>&1 || fail "--key needs gpgv, which is not here: install it, or verify SHA256SUMS elsewhere"
  get SHA256SUMS.asc || fail "$from has no SHA256SUMS.asc, and --key asks for one"
  ring=$work/ring.gpg
  if grep -q 'BEGIN PGP' "$key"; then
    sed -n '/^-----BEGIN/,/^-----END/p' "$key" | sed '1,/^$/d; /^=/,$d; /^-----END/d' | base64 -d >"$ring" 2>/dev/null ||
      fail "--key $key is no OpenPGP public key"
  else
    cp "$key" "$ring"
  fi
  gpgv --keyring "$ring" "$work/SHA256SUMS.asc" "$work/SHA256SUMS" 2>/dev/null ||
    fail "SHA256SUMS is not signed by the key in $key: nothing was installed"
}

page() { head -c 200 "$1" | tr '[:upper:]' '[:lower:]' | grep -q '<html\|<!doctype'; }

trap clean EXIT
trap 'exit 130' INT TERM
umask 077
work=$(mktemp -d) || fail "no folder for temporary files"

if [ -f "$from" ]; then
  name=$(basename "$from")
  cp "$from" "$work/$name"
  if [ -z "$sha" ]; then
    beside=$(dirname "$from")
    [ -f "$beside/SHA256SUMS" ] || fail "no SHA256SUMS beside $from, and no --sha256: it cannot be verified"
    cp "$beside/SHA256SUMS" "$work/SHA256SUMS"
    from=$beside
    check_sums
    sha=$(listed "$name")
  fi
else
  get SHA256SUMS || fail "$from has no SHA256SUMS, or cannot be reached"
  ! page "$work/SHA256SUMS" || fail "a web page came instead of $from/SHA256SUMS: a proxy or portal answered"
  check_sums
  name=$(choose) || exit 1
  [ -n "$name" ] || fail "$from lists no package and no wheel for this host ($(kind), $(uname -m))"
  case $name in */* | .* | *[!A-Za-z0-9._+~-]*) fail "SHA256SUMS lists a strange name: $name" ;; esac
  [ -n "$sha" ] || sha=$(listed "$name")
  get "$name" || fail "$from/$name cannot be fetched"
  ! page "$work/$name" || fail "a web page came instead of $name: a proxy or portal answered"
fi
[ -n "$sha" ] || fail "$name is not in SHA256SUMS: it cannot be verified"
[ "$(digest "$work/$name")" = "$(printf '%s' "$sha" | tr 'A-F' 'a-f')" ] ||
  fail "$name is not what SHA256SUMS lists: cut short, or changed on the way; nothing was installed"
say "$name verified"

root=''
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null 2>&1 || [ -n "$dry" ] || fail "the installation needs root, and sudo is not here: run this as root"
  root=sudo
fi
run() {
  if [ -n "$dry" ]; then printf 'would run: %s\n' "$*"; else "$@"; fi
}

chmod 755 "$work" && chmod 644 "$work/$name"
case $name in
  *.deb) run $root dpkg -i "$work/$name" || fail "dpkg could not install $name" ;;
  *.rpm) run $root rpm -U --replacepkgs --nosignature "$work/$name" || fail "rpm could not install $name" ;;
  *.whl)
    python=''
    for one in python3.13 python3.12 python3.11 python3; do
      if command -v "$one" >/dev/null 2>&1 && "$one" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$one
        break
      fi
    done
    [ -n "$python" ] || fail "no package fits this host, and there is no Python 3.11 with venv: check it over SSH from another host"
    run $root "$python" -m venv "$venv" || fail "$venv could not be made"
    links=''
    case $from in http*) ;; *) links="--find-links $(cd "$(dirname "$from/.")" && pwd)" ;; esac
    # shellcheck disable=SC2086 # two words, or none
    run $root "$venv/bin/pip" install -q $links "$work/$name" || fail "pip could not install $name"
    run $root ln -sf "$venv/bin/anywhere" /usr/local/bin/anywhere
    ;;
  *) fail "$name is no .deb, .rpm or .whl" ;;
esac

if [ -n "$dry" ]; then
  [ $# -eq 0 ] || printf 'would run: %s anywhere register --dry-run (with the words after --)\n' "$root"
  exit 0
fi
say "installed: $(anywhere --version 2>/dev/null || echo anywhere)"
[ $# -eq 0 ] || { clean; work=''; exec $root anywhere register "$@"; }
