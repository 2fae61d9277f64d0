#!/bin/sh
# Runs on the far side after base.sh. Nothing is written there.
# Each observation ends with a mark on both streams, so that its bytes come back exactly as they are.
# shellcheck disable=SC2154,SC2086,SC2034 # set by the caller or in base.sh, or used there

uid=${uid:-$(id -u)}

# What a line runs has the line's number in its mark, so that nothing else is ended with it.
number=0
mark() {
    case $1 in 137 | 124) was_cut=yes ;; esac
    printf '\n%s %s\n' "$TOKEN" "$1"
    printf '\n%s\n' "$TOKEN" >&2
    number=$((number + 1))
    ANYWHERE_RUN=$TOKEN-$number.
}

# run COMMAND...: looking first spares a process, and so does setting here what `env` is to set.
run() {
    set=
    if [ "$1" = env ]; then shift; fi
    for word in "$@"; do
        case $word in *=*) set=yes ;; *) break ;; esac
    done
    if ! command -v "$word" >/dev/null 2>&1; then
        echo "$word: not found" >&2
        mark 127
        return
    fi
    if [ "$set" ]; then
        (
            while [ "$1" != "$word" ]; do
                export "${1?}"
                shift
            done
            "$@" </dev/null
        )
    else
        "$@" </dev/null
    fi
    mark $?
}

# run_on FILE... -- COMMAND...: one that only reads these files. For root what the shell does not see is not there.
run_on() {
    missing=yes said=
    while [ "$1" != -- ]; do
        if [ "$uid" != 0 ] || is_there "$1"; then missing=; fi
        said="$said$1: No such file or directory
"
        shift
    done
    shift
    if [ -z "$missing" ]; then
        run "$@"
    else
        printf %s "$said" >&2
        mark 2
    fi
}

# For root a path that the shell does not see is not there; for others `cat` says why.
missing() {
    if [ "$uid" = 0 ] && ! is_there "$1"; then
        echo "$1: No such file or directory" >&2
        mark 1
        return 0
    fi
    return 1
}

# unfit PATH: says why something is not read; nothing but a plain file is opened. The null device is an empty file.
unfit() {
    if [ -f "$1" ] || [ -d "$1" ] || ! [ -e "$1" ]; then return 1; fi
    kind=device
    if [ -p "$1" ]; then kind=pipe; elif [ -S "$1" ]; then kind=socket; fi
    # shellcheck disable=SC3013 # dash, bash, ksh and busybox all have -ef
    if [ "$1" -ef /dev/null ]; then return 0; fi
    echo "is a $kind, not a file" >&2
    return 0
}

# read_file PATH MOST [BYTES]: its first bytes, or its last.
read_file() {
    missing "$1" && return
    if unfit "$1"; then
        # shellcheck disable=SC3013
        if [ "$1" -ef /dev/null ]; then mark 0; else mark 1; fi
        return
    fi
    if [ "$3" ]; then
        tail -c "$3" "$1" </dev/null
    else
        head -c "$2" "$1" </dev/null
    fi
    mark $?
}

# read_files BYTES ROOT PATH...: the beginnings of plain files by one program, under names that begin with ROOT, which is
# a way to write `/`. Above them `NUMBER why` for what cannot be read, and an empty line.
read_files() {
    most=$1 root=$2 place=0
    shift 2
    files=$#
    for path in "$@"; do
        if [ -f "$path" ] && [ -r "$path" ]; then
            set -- "$@" "$root$path"
        elif [ "$uid" = 0 ] && ! is_there "$path"; then
            echo "$place No such file or directory"
        elif [ -d "$path" ]; then
            echo "$place Is a directory"
        elif ! [ -e "$path" ] || [ -f "$path" ]; then
            why=$(head -c 1 "$path" 2>&1 >/dev/null </dev/null)
            echo "$place ${why%%"
"*}"
        else
            why=$(unfit "$path" 2>&1)
            echo "$place ${why:-null}"
        fi
        place=$((place + 1))
    done
    shift "$files"
    printf '\n\n'
    # Two more, for `head` names a file only among others, and what stands before a name is known to be whole.
    head -c "$most" "$@" "$root/dev/null" /dev/null </dev/null
    mark $?
}

# list_folder PATH: its names, by the shell itself; `ls` says why there are none, and whether that is so. The slash makes a
# file an error instead of an answer.
list_folder() {
    missing "$1" && return
    folder=$1
    if [ -d "$folder" ] && [ -r "$folder" ] && cd "$folder" 2>/dev/null; then
        set -- *
        is_there "$1" || shift
        set -- .[!.]* "$@"
        is_there "$1" || shift
        set -- ..?* "$@"
        is_there "$1" || shift
        cd /
        # What root finds empty is.
        if [ $# -gt 0 ] || [ "$uid" = 0 ]; then
            if [ $# -gt 0 ]; then printf '%s\n' "$@"; fi
            mark 0
            return
        fi
    fi
    # shellcheck disable=SC2012 # names only, one a line
    ls -1A "$folder/"
    mark $?
}

is_there() { [ -e "$1" ] || [ -L "$1" ]; }

# trust MOST DIGESTS WITHIN FILE... -- FOLDER...: a CA store as Go finds it, namely the first file that can be read and
# all files of the folders, so many bytes of it. First a digest of the whole in a line; then the content, unless the
# caller has it by that digest. WITHIN: folders that no link may lead out of; `more=FOLDER`: its .crt files alone.
trust() {
    most=$1
    known=$2
    inside=$3
    bundle=
    shift 3
    while [ "$1" != -- ]; do
        if [ -z "$bundle" ] && [ -f "$1" ] && [ -r "$1" ] && is_inside "$1"; then bundle=$1; fi
        shift
    done
    shift
    folders=$#
    for folder in "$@"; do
        only=
        case $folder in more=*) folder=${folder#more=} only=.crt ;; esac
        outside=
        if [ "$inside" ]; then outside=" $(links_out "$folder") "; fi
        for path in "$folder"/* "$folder"/.[!.]*; do
            if [ -h "$path" ]; then
                case ${path##*/} in
                    # OpenSSL's links by hash: what they point to stands in the folder under its own name.
                    [0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f].[0-9]*) continue ;;
                esac
                case $outside in *" ${path##*/} "*) continue ;; esac
            fi
            case $path in *"$only") ;; *) continue ;; esac
            if [ $# -lt 2000 ] && [ -f "$path" ] && [ "$path" != "$bundle" ]; then set -- "$@" "$path"; fi
        done
    done
    shift "$folders"
    if [ "$bundle" ]; then set -- "$bundle" "$@"; fi
    digest=$(store "$@" | sha256sum 2>/dev/null)
    digest=${digest%% *}
    echo "$digest"
    case " $known " in
        *" ${digest:-none} "*) ;;
        *) store "$@" ;;
    esac
    mark 0
}

# sed ends the last line of each file, which others leave as it is: the next certificate has to begin a line.
store() {
    case $# in
        0) ;;
        1) head -c "$most" "$1" ;;
        *) sed '' "$@" | head -c "$most" ;;
    esac 2>/dev/null
}

is_inside() {
    if [ -z "$inside" ] || ! [ -h "$1" ]; then return 0; fi
    for place in $inside; do
        case $(readlink -f "$1" 2>/dev/null) in "$place"/*) return 0 ;; esac
    done
    return 1
}

# The links of a folder that lead out of what a container has, by name: one program for all of them.
links_out() {
    keep=
    for place in $inside; do keep="$keep -e /->.$(echo "$place" | sed 's/[/.]/\\&/g')\\//d"; done
    # shellcheck disable=SC2012,SC2086 # a listing is what shows where links lead; the expressions are several words
    ls -l "$1/" 2>/dev/null | sed -n $keep -e 's/.* \([^ ]*\) -> \/.*/\1/p' | tr '\n' ' '
}
