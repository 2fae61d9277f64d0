#!/bin/sh
# What a machine has, as tagged lines: parsed by anywhere/hosts/ssh/inventory.py. Runs after remote.sh, and with nothing
# but a POSIX shell, /proc, /sys, grep, ls and tr; what is not there is left out.
# The caller sets DAEMONS, UNITS, RELEVANT, OWNED and PORTS (the same, hexadecimal and decimal; extended regular expressions) and DISKS (folders).
# shellcheck disable=SC2154,SC2086 # set by base.sh; lists of words

relevant() { grep -iE "^($RELEVANT)=" 2>/dev/null; }

machine() {
    echo "uid $uid"
    grep -hE '^(btime |cpu[0-9]|MemTotal:|MemAvailable:|MemFree:|Buffers:|Cached:)' /proc/stat /proc/meminfo
}

disks() {
    found=$($limit 3 stat -f -c 'disk %n %S %b %a %c %d' $DISKS)
    if [ "$found" ]; then
        echo "$found"
        return
    fi
    for folder in $DISKS; do
        [ -d "$folder" ] || continue
        $limit 3 df -Pk "$folder" | while read -r _ total _ free _; do
            case $total in *[!0-9]*) ;; *) echo "disk $folder 1024 $total $free 0 0" ;; esac
        done
    done
}

interfaces() {
    for folder in /sys/class/net/*; do
        [ -d "$folder" ] || continue
        mac='' mtu='' flags='' state=''
        read -r mac <"$folder/address"
        read -r mtu <"$folder/mtu"
        read -r flags <"$folder/flags"
        read -r state <"$folder/operstate"
        echo "link ${folder##*/} ${mac:--} ${mtu:-0} ${flags:-0} ${state:-unknown}"
    done
    count=0
    ip -o addr 2>/dev/null | while read -r _ name family rest; do
        # No host has so many: what prints without an end would take the time of everything behind it.
        count=$((count + 1))
        if [ "$count" -gt 20000 ]; then break; fi
        case $family in inet | inet6) echo "address ${name%%:*} $rest" ;; esac
    done
}

# listening n|ne: `listen ADDRESS:PORT INODE`, `listen6` for IPv6, the inode with `e` alone: for that `ss` walks through all
# control groups. The kernel's tables in /proc hold all connections and take long to read; `ss` asks for those that listen.
# It may load a kernel module: hence only where that is there, or none can be.
listening() {
    [ -d /sys/module/tcp_diag ] || ! [ -e /proc/modules ] || return 1
    found=$(ss -4 -t"$1" state listening && echo six && ss -6 -t"$1" state listening && echo end) || return 1
    case $found in *:[0-9]*end) ;; *) return 1 ;; esac
    echo "$found" | sed -nE -e '/^six$/,$s/^(LISTEN +)?([0-9]+ +[0-9]+ )/LISTEN6 \2/' \
        -e 's/^(LISTEN(6?) +)?[0-9]+ +[0-9]+ +([^ ]+) .* ino:([0-9]+).*/listen\2 \3 \4/p' -e t \
        -e 's/^(LISTEN(6?) +)?[0-9]+ +[0-9]+ +([^ ]+) .*/listen\2 \3/p'
}

# Listening sockets have state 0A. The owner is found by the socket's inode among all open files, which takes long: so
# only for the ports that matter whose they are.
listeners() {
    if ! found=$(listening n); then
        echo "arch $(uname -m)" # in whose order of bytes the addresses are
        found=$(sed -n 's/^ *\(.* 0A .*\)/socket \1/p' /proc/net/tcp /proc/net/tcp6)
    fi
    matters=
    IFS='|'
    for port in $OWNED $PORTS; do
        case "$found
" in *":$port "* | *":$port
"*) matters=yes ;; esac
    done
    unset IFS
    if [ "$matters" ]; then
        case $found in *listen*) found=$(listening ne) ;; esac
    fi
    echo "$found"
    [ "$matters" ] || return
    inodes=$(echo "$found" | sed -nE -e "s/^socket ([^ ]+ +)[^ ]*:($OWNED) +([^ ]+ +){7}([0-9]+) .*/\\4/p" \
        -e "s/^listen6? [^ ]*:($PORTS) ([0-9]+)$/\\2/p")
    [ "$inodes" ] || return
    set -- /proc/[0-9]*/fd
    set -f
    patterns='' links='-false'
    for inode in $inodes; do
        patterns="$patterns -e socket:[$inode]"
        links="$links -o -lname socket:?$inode?"
    done
    # Where `find` can compare links it reads nothing else, which is a fraction of the work. The first path only tells
    # whether it can.
    files=$($limit 3 find /dev/null "$@" -maxdepth 1 \( -path /dev/null -o $links \))
    case $files in
        /dev/null) ;;
        /dev/null*) $limit 3 ls -ln $files | sed -n 's|.* /proc/\([0-9]*\)/fd/.*socket:.\([0-9]*\).$|\2 \1|p' ;;
        *)
            $limit 3 ls -ln "$@" | grep -F -e /fd: $patterns | sed -n -e '/fd:$/{h;d;}' -e 'G' \
                -e 's|.*socket:.\([0-9]*\).\n/proc/\([0-9]*\)/fd:|\1 \2|p'
            ;;
    esac | while read -r inode pid; do
        comm=
        read -r comm <"/proc/$pid/comm"
        echo "owner $inode $pid $comm"
    done
    set +f
}

# is_sure PID COMM: the program lies where only root puts programs, or the process belongs to a unit. What is not visible
# is a process whose environment is not visible either.
is_sure() {
    if grep -qE "^[0-9]+:[^:]*:/system\\.slice/($UNITS)\\.service(/|\$)" "/proc/$1/cgroup"; then return 0; fi
    program=$(readlink "/proc/$1/exe") || [ "$uid" != 0 ] || return 1
    program=${program% (deleted)}
    case $2:$program in
        *:) return 0 ;;
        agent:*) [ "$program" = /agent ] && return 0 ;;
        *:/usr/* | *:/bin/* | *:/sbin/* | *:/opt/* | *:/snap/* | *:/var/lib/snapd/* | *:/nix/store/* | *:/gnu/store/*)
            case ${program##*/} in "$2"*) return 0 ;; esac
            ;;
    esac
    return 1
}

daemons() {
    grep -lE "^($DAEMONS)$" /proc/[0-9]*/comm | while read -r path; do
        pid=${path#/proc/}
        pid=${pid%%/*}
        comm=
        read -r comm <"$path"
        # What lives in another PID namespace is a container's, but for the ECS agent, which has a container of its own.
        own=/proc/$pid/ns/pid
        # shellcheck disable=SC3013 # dash, bash, ksh and busybox all have -ef
        if [ "$comm" != agent ] && [ -e "$own" ] && ! [ "$own" -ef /proc/self/ns/pid ]; then continue; fi
        # Root's in every way: a program that is set to run as root keeps the user who started it.
        grep -qE '^Uid:[[:space:]]+0[[:space:]]+0[[:space:]]+0[[:space:]]+0$' "/proc/$pid/status" || continue
        echo "daemon $pid $comm"
        if is_sure "$pid" "$comm"; then echo "sure $pid"; fi
        head -c 262144 "/proc/$pid/environ" | tr '\0' '\n' | relevant | while read -r line; do echo "variable $pid $line"; done
    done
}

inventory() {
    for part in machine disks interfaces listeners daemons; do $part 2>/dev/null </dev/null; done
    mark 0
}
