#!/bin/sh
# Writes packaging/sources.lock anew: the newest version of each source package that the mirror really holds.
set -eu
cd "$(dirname "$0")/.."
. packaging/common.sh
. packaging/apt.sh
private_apt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
lock=$PWD/packaging/sources.lock

# newest NAME: prints version and hash of the newest version whose files can be fetched, from what is downloaded.
newest() (
  mkdir "$work/$1"
  cd "$work/$1"
  for version in $(apt-cache showsrc "$1" | sed -n 's/^Version: //p' | sort -rVu); do
    if apt-get source -qq --download-only "$1=$version" >/dev/null 2>&1; then
      echo "$version $(sha256sum <"$(echo ./*.dsc)" | cut -d ' ' -f 1)"
      return
    fi
    say "$1 $version is listed, but its files are not there"
    rm -f ./*
  done
  say "no version of $1 can be fetched"
  return 1
)

while read -r name version license hash; do
  if [ "${#hash}" -eq 64 ] && [ "$name" != '#' ]; then
    found=$(newest "$name")
    [ "$found" = "$version $hash" ] || say "$name: $version -> ${found% *}"
    echo "$name ${found% *} $license ${found#* }"
  else
    echo "$name $version $license $hash" | sed 's/ *$//'
  fi
done <"$lock" >"$work/lock"
cp "$work/lock" "$lock"
say "check by hand the versions of what lies within CPython's own source (last lines of $lock)"
