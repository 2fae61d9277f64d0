# shellcheck shell=sh
# Keeps the journal: BASE.journal, its copy BASE.copy, BASE.seal (the digests that the journal may have), and the
# undo copies in BASE.undo, each named by its digest. All of it is for root alone.
# usage: journal open BASE | store BASE DIGEST | commit BASE DIGEST-BEFORE DIGEST | prune BASE DIGEST... | clear BASE
verb=$1 base=$2
shift 2
folder=${base%/*}

durable() { sync "$@" 2>/dev/null || sync; }

digest() {
  if [ -f "$1" ] && [ ! -L "$1" ]; then sha256sum < "$1" | cut -d ' ' -f 1; else echo absent; fi
}

# Standard input becomes a file, complete or not at all. It ends early when its sender is killed or its connection lost:
# only the digest says that it is complete.
# usage: put FILE DIGEST
put() {
  rm -f -- "$1.new"
  dd of="$1.new" bs=65536 conv=excl,fsync oflag=nofollow 2>/dev/null && [ "$(digest "$1.new")" = "$2" ] &&
    mv -fT -- "$1.new" "$1" && durable "${1%/*}" && return
  rm -f -- "$1.new"
  return 1
}

# The words become the lines of the seal.
seal() { printf '%s\n' "$@" | put "$base.seal" "$(printf '%s\n' "$@" | sha256sum | cut -d ' ' -f 1)"; }

case $verb in
  open)
    command -v dd >/dev/null || { echo "dd is missing: install coreutils" >&2; exit 1; }
    # A folder of root's that others may write to (a disk mounted there, say) becomes root's alone.
    mkdir -p -- "$folder" && [ "$(stat -L -c %u -- "$folder")" = 0 ] && chmod go-w -- "$folder" && only_root_writes "$folder" || exit 1
    [ -e "$base.seal" ] || seal absent || exit 1
    mkdir -p -- "$base.undo" && [ ! -L "$base.undo" ] || exit 1
    ;;
  store)
    [ "$(digest "$base.undo/$1")" = "$1" ] || put "$base.undo/$1" "$1"
    [ "$(digest "$base.undo/$1")" = "$1" ]
    ;;
  commit)
    [ "$(digest "$base.journal")" = "$1" ] || { echo "it was changed meanwhile" >&2; exit 1; }
    text=$(cat; echo .)
    text=${text%.}
    seal "$2" "$1" || exit 1
    printf %s "$text" | put "$base.copy" "$2" && printf %s "$text" | put "$base.journal" "$2" || exit 1
    seal "$2" || :
    ;;
  prune)
    for file in "$base.undo"/*; do
      case " $* " in *" ${file##*/} "*) ;; *) rm -f -- "$file" ;; esac
    done
    ;;
  clear)
    # A rename needs no room: from here on all that is left is waste, whenever this dies.
    [ ! -e "$base.seal" ] || mv -fT -- "$base.seal" "$base.cleared" || exit 1
    durable "$folder"
    rm -rf -- "$base.undo"
    rm -f -- "$base.journal" "$base.copy" "$base".*.new
    rm -f -- "$base.cleared"
    rmdir -- "$folder" 2>/dev/null
    test ! -e "$base.journal"
    ;;
esac
