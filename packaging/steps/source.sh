#!/bin/sh
# A source package as Debian publishes it. Usage: source.sh NAME VERSION SHA256-OF-THE-DSC
# From the mirror that this machine's apt uses, or ANYWHERE_MIRROR, by an apt of its own.
# The .dsc holds the hashes of the archives.
set -eu
. packaging/apt.sh
private_apt
cd "${out:?}"
if ! apt-get source -qq --download-only "$1=$2"; then
  echo "the mirror no longer offers $1 $2: lock what it offers with packaging/lock.sh"
  exit 1
fi
echo "$3  $(basename ./*.dsc)" | sha256sum --check --status || { echo "$1 $2 differs from packaging/sources.lock"; exit 1; }
