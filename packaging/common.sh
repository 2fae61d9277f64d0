# shellcheck shell=sh
# Settings of every packaging script, and the cache by content. Sourced from the top of the repository.

export cache="${ANYWHERE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/anywhere-packaging}"
export LC_ALL=C TZ=UTC
umask 022
mkdir -p "$cache"

say() { echo "packaging: $*" >&2; }

# key TEXT...: a short hash of files (by content) and of words.
key() {
  for part in "$@"; do
    if [ -f "$part" ]; then sha256sum <"$part"; else echo "$part"; fi
  done | sha256sum | cut -c1-16
}

# locked NAME FIELD: version (2), license (3) or hash (4) of a source package.
locked() { awk -v name="$1" -v field="$2" '$1 == name { print $field }' packaging/sources.lock; }

# step NAME INPUTS SCRIPT ARGUMENT...: makes the folder $cache/NAME-KEY by a script, which writes into $out. A finished
# one is used again: the key is a hash of the script, its arguments and its inputs. Sets $made.
step() {
  name=$1 made=$cache/$1-$(key "$@")
  shift 2
  [ ! -e "$made" ] || return 0
  if [ -n "${CACHED_ONLY:-}" ]; then
    say "$name is not in the cache"
    exit 75
  fi
  began=$(date +%s) log=$cache/$name.log
  rm -rf "$made.part"
  mkdir "$made.part"
  if ! out=$made.part "$@" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    say "$name failed: see $log"
    exit 1
  fi
  mv "$made.part" "$made"
  say "$name: $(($(date +%s) - began)) s"
}
