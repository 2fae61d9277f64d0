#!/bin/sh
# Runs on the far side: jobs in the background, each of which writes one record at once.
# The caller sets TOKEN, a word that no output can hold.
# shellcheck disable=SC2154

# The C library reads these for each name: one without an end would hold it for ever, and fill this host's memory.
unfit=
for path in /etc/nsswitch.conf /etc/hosts /etc/resolv.conf /etc/host.conf /etc/gai.conf; do
    # shellcheck disable=SC3013 # dash, bash, ksh and busybox all have -ef
    if [ -e "$path" ] && ! [ -f "$path" ] && ! [ "$path" -ef /dev/null ]; then unfit="$path is no file"; fi
done
# In blocks of 512 bytes: 16 MiB.
if [ "$(find -L /etc/hosts /etc/nsswitch.conf /etc/resolv.conf -type f -size +32768 2>/dev/null)" ]; then
    unfit="a file in /etc is larger than 16 MiB"
fi

# look_up NAME: the system's resolver, in one write, because many run at once. The resolver has time limits of its own.
look_up() {
    if [ "$unfit" ]; then
        printf '\n%s 3 %s\n%s\n\n%s end\n' "$TOKEN" "$1" "$unfit" "$TOKEN"
        return
    fi
    answer=$(getent ahosts "$1" 2>/dev/null </dev/null)
    rc=$?
    if [ "$rc" = 2 ]; then why_none "$1"; fi
    printf '\n%s %s %s\n%s\n\n%s end\n' "$TOKEN" "$rc" "$1" "$answer" "$TOKEN"
}

# why_none NAME: getent does not say why it finds nothing; bash does, when it is to open a socket for datagrams, and sends
# nothing by that. `ahosts` leaves out IPv6 addresses on a host that has none itself: a name may have those alone.
why_none() {
    # shellcheck disable=SC2016 # the words of the inner shell
    answer=$(LC_ALL=C timeout 1 bash -c 'exec 3<>"/dev/udp/$1/53"' bash "$1" 2>&1 </dev/null)
    case "$? $answer" in
        0\ * | *connect:*) answer=$(getent hosts "$1" 2>/dev/null </dev/null) && rc=0 ;;
        124*) answer="timed out" ;;
        12*) answer= ;;
    esac
}

# ask_udp KEY SERVER SECONDS QUERY...: datagrams to a nameserver until one is answered, each has so many seconds; the reply
# as hexadecimal digits. Only bash can send one by itself.
ask_udp() {
    # shellcheck disable=SC2016 # the words of the inner shell
    key=$1 server=$2
    shift 2
    answer=$(bash -c 'exec 3<>"/dev/udp/$1/53" || exit 3
        seconds=$2
        shift 2
        for query; do
            case $query in
                # bash writes line by line, and each write is a datagram: dd makes one of what it reads.
                *"\\x0a"*) printf "$query" | dd obs=4096 >&3 2>/dev/null || exit 4 ;;
                *) printf "$query" >&3 || exit 4 ;;
            esac
            reply=$(timeout "$seconds" dd bs=4096 count=1 <&3 2>/dev/null | od -An -v -tx1 | tr -d " \n")
            if [ "$reply" ]; then echo "$reply"; exit 0; fi
        done' bash "$server" "$@" 2>/dev/null </dev/null)
    printf '\n%s %s %s\n%s\n\n%s end\n' "$TOKEN" "$?" "$key" "$answer" "$TOKEN"
}

# ask_each KEY SECONDS QUERY...: the same to each nameserver of resolv.conf; the server stands behind the key.
ask_each() {
    if [ "$unfit" ]; then return; fi
    key=$1
    shift
    while read -r word server _; do
        if [ "$word" = nameserver ]; then ask_udp "$key $server" "$server" "$@" & fi
    done </etc/resolv.conf 2>/dev/null
    wait
}
