#!/bin/sh
# Runs on the far side, read by any POSIX shell (dash, bash, busybox ash). Nothing is written there.
# Each observation ends with a mark on both streams, so that its bytes come back exactly as they are.
# The caller sets TOKEN, a word that no output can hold.

PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin
LC_ALL=C
# A locale that is not there makes bash complain at each start (CentOS 7, Amazon Linux 2 have no C.UTF-8).
if [ -d /usr/lib/locale/C.utf8 ] || [ -d /usr/lib/locale/C.UTF-8 ]; then LC_ALL=C.UTF-8; fi
LANG=$LC_ALL
export PATH LC_ALL LANG
unset CDPATH ENV
uid=${uid:-$(id -u)}

# limited SECONDS COMMAND...: a time limit, in the forms of coreutils, of old busybox, and without the program.
coreutils=/usr/bin/timeout
if { [ -x "$coreutils" ] && ! [ -L "$coreutils" ]; } || timeout -s KILL 1 true 2>/dev/null; then
    limited() { timeout -s KILL "$@"; }
elif timeout -t 1 -s KILL true 2>/dev/null; then
    limited() {
        limit=$1
        shift
        timeout -t "$limit" -s KILL "$@"
    }
else
    limited() {
        shift
        "$@"
    }
fi

mark() {
    printf '\n%s %s\n' "$TOKEN" "$1"
    printf '\n%s\n' "$TOKEN" >&2
}

# run SECONDS COMMAND...; 0 seconds for what asks nobody and cannot hang. Looking first spares a process, with `env` three.
run() {
    program=$2
    if [ "$2" = env ]; then
        for word in "$@"; do
            case $word in
                "$1" | env | *=*) ;;
                *) program=$word; break ;;
            esac
        done
    fi
    if ! command -v "$program" >/dev/null 2>&1; then
        echo "$program: not found" >&2
        mark 127
        return
    fi
    if [ "$1" = 0 ]; then
        shift
        "$@" </dev/null
    else
        limited "$@" </dev/null
    fi
    mark $?
}

# For root a path that the shell does not see is not there; for others `cat` says why.
missing() {
    if [ "$uid" = 0 ] && ! [ -e "$1" ] && ! [ -L "$1" ]; then
        echo "$1: No such file or directory" >&2
        mark 1
        return 0
    fi
    return 1
}

# read_file PATH [BYTES]: all of it, or its end. What is no plain file (a pipe, a device) may block: hence the limit.
read_file() {
    missing "$1" && return
    if [ -e "$1" ] && ! [ -f "$1" ] && ! [ -d "$1" ]; then
        limited 3 cat "$1" </dev/null
    elif [ "$2" ]; then
        tail -c "$2" "$1" </dev/null
    else
        cat "$1" </dev/null
    fi
    mark $?
}

# read_files BYTES ROOT PATH...: the beginnings of plain files by one program, under names that begin with ROOT, which is
# a way to write `/`. Above them `NUMBER why` for what cannot be read, and an empty line. What is no plain file is left out.
read_files() {
    most=$1 root=$2 number=0
    shift 2
    files=$#
    for path in "$@"; do
        if [ -f "$path" ] && [ -r "$path" ]; then
            set -- "$@" "$root$path"
        elif [ "$uid" = 0 ] && ! [ -e "$path" ] && ! [ -L "$path" ]; then
            echo "$number No such file or directory"
        elif [ -d "$path" ]; then
            echo "$number Is a directory"
        elif ! [ -e "$path" ] || [ -f "$path" ]; then
            why=$(cat "$path" 2>&1 >/dev/null </dev/null)
            echo "$number ${why%%"
"*}"
        fi
        number=$((number + 1))
    done
    shift "$files"
    printf '\n\n'
    # Two more, for `head` names a file only among others, and what stands before a name is known to be whole.
    limited 3 head -c "$most" "$@" "$root/dev/null" /dev/null </dev/null
    mark $?
}

# list_folder PATH: its names. The slash makes a file an error instead of an answer.
list_folder() {
    missing "$1" && return
    # shellcheck disable=SC2012 # names only, one a line
    ls -1A "$1/"
    mark $?
}

# trust DIGESTS FILE... -- FOLDER...: a CA store as Go finds it, namely the first file with a certificate in it and
# all files of the folders. First a digest of the whole in a line; then the content, unless the
# caller has it by that digest.
trust() {
    known=$1
    bundle=
    shift
    while [ "$1" != -- ]; do
        if [ -z "$bundle" ] && grep -q -e '-----BEGIN CERTIFICATE-----' "$1" 2>/dev/null; then bundle=$1; fi
        shift
    done
    shift
    folders=$#
    for folder in "$@"; do
        for path in "$folder"/* "$folder"/.[!.]*; do
            case ${path##*/} in
                # OpenSSL's links by hash: what they point to stands in the folder under its own name.
                [0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f].[0-9]*) continue ;;
            esac
            if [ -f "$path" ] && [ "$path" != "$bundle" ]; then set -- "$@" "$path"; fi
        done
    done
    shift "$folders"
    if [ "$bundle" ]; then set -- "$bundle" "$@"; fi
    digest=$(cat /dev/null "$@" 2>/dev/null | sha256sum 2>/dev/null)
    digest=${digest%% *}
    echo "$digest"
    case " $known " in
        *" ${digest:-none} "*) ;;
        *) cat /dev/null "$@" 2>/dev/null ;;
    esac
    mark 0
}
