#!/bin/sh
# Runs on the far side: jobs in the background, each of which writes one record at once.
# The caller sets TOKEN, a word that no output can hold, and LONGEST, the seconds that an answer is waited for.
# shellcheck disable=SC2154,SC2086 # set by the caller or in base.sh; $limit and $jobs are several words

# The C library reads these for each name: one without an end would hold it for ever, and fill this host's memory.
unfit=
for path in /etc/nsswitch.conf /etc/hosts /etc/resolv.conf /etc/host.conf /etc/gai.conf; do
    # shellcheck disable=SC3013 # dash, bash, ksh and busybox all have -ef
    if [ -e "$path" ] && ! [ -f "$path" ] && ! [ "$path" -ef /dev/null ]; then unfit="$path is no file"; fi
done
# In blocks of 512 bytes: 16 MiB. The caller sets FIT where it has seen them.
if [ -z "$FIT" ] && [ "$(find -L /etc/hosts /etc/nsswitch.conf /etc/resolv.conf -type f -size +32768 2>/dev/null)" ]; then
    unfit="a file in /etc is larger than 16 MiB"
fi

# record RC KEY TEXT: the text's lines joined by bars, because many run at once, and bash writes each line by itself.
record() {
    begin="$TOKEN $1 $2"
    set -f
    IFS='
'
    set -- $3
    IFS='|'
    printf '%s|%s|%s end\n' "$begin" "$*" "$TOKEN"
    unset IFS
    set +f
}

# look_up NAME: the system's resolver, for as long as its answer counts.
look_up() {
    if [ "$unfit" ]; then
        record 3 "$1" "$unfit"
        return
    fi
    answer=$($limit "$LONGEST" getent ahosts "$1" 2>/dev/null </dev/null)
    rc=$?
    answered "$1"
}

answered() {
    if [ "$rc" = 2 ]; then why_none "$1"; fi
    record "$rc" "$1" "$answer"
}

# look_up_all NAME...: several names by one process, which asks them in turn and does not say which has no address: so where
# not all have one, within the moment after which the caller ends it, each is asked by itself.
look_up_all() {
    if [ -z "$unfit" ] && answer=$(ANYWHERE_RUN="$TOKEN-soon" getent ahosts "$@" 2>/dev/null </dev/null); then
        record 0 "$*" "$answer"
    else
        look_up_each "$@"
    fi
}

# The record before says that their time begins anew.
look_up_each() {
    record 1 "$*" ''
    for name; do look_up "$name" & done
    wait
}

# look_up_first SECONDS NAME OTHER...: a name by itself, beside those that others are asking. Where it has no answer that
# soon, the resolver is slow, and has no time left for several names in turn: each is asked by itself.
look_up_first() {
    seconds=$1 first=$2
    shift 2
    if [ "$unfit" ] || [ "$limit" = unlimited ]; then
        look_up "$first"
        return
    fi
    # bash tells that there is no such name, and why, which is what is expected of the name that nobody publishes.
    answer=$($limit "$seconds" bash -c "$CONNECT" bash "$first" 2>&1 </dev/null)
    rc=$?
    case "$rc $answer" in
        1\ *not\ known* | 1\ *No\ address* | 1\ *not\ resolve*)
            record 2 "$first" "$answer"
            return
            ;;
        124* | 125* | 137*) ;;
        *)
            answer=$($limit "$seconds" getent ahosts "$first" 2>/dev/null </dev/null)
            rc=$?
            ;;
    esac
    case $rc in
        124 | 125 | 137)
            kill $jobs 2>/dev/null
            sweep 1 -soon
            look_up_each "$first" "$@"
            ;;
        *) answered "$first" ;;
    esac
}

# shellcheck disable=SC2016 # the words of an inner shell
CONNECT='exec 3<>"/dev/udp/$1/53"'

# why_none NAME: getent does not say why it finds nothing; bash does, when it is to open a socket for datagrams, and sends
# nothing by that. `ahosts` leaves out IPv6 addresses on a host that has none itself: a name may have those alone.
why_none() {
    answer=$(timeout 1 bash -c "$CONNECT" bash "$1" 2>&1 </dev/null)
    case "$? $answer" in
        0\ * | *connect:*) answer=$($limit "$LONGEST" getent hosts "$1" 2>/dev/null </dev/null) && rc=0 ;;
        124*) answer="timed out" ;;
        12*) answer= ;;
    esac
}

# ask_udp KEY SERVER SECONDS BYTES TRY...: datagrams to a nameserver until one is answered. Each try is one or more
# queries, and has so many seconds; so many bytes of each reply, as hexadecimal digits. Only bash can send one by itself.
ask_udp() {
    # shellcheck disable=SC2016 # the words of the inner shell
    key=$1 server=$2
    shift 2
    answer=$(bash -c 'exec 3<>"/dev/udp/$1/53" || exit 3
        seconds=$2 bytes=$3
        shift 3
        for queries; do
            count=0
            for query in $queries; do
                count=$((count + 1))
                case $query in
                    # bash writes line by line, and each write is a datagram: dd makes one of what it reads.
                    *"\\x0a"*) printf "$query" | dd obs=4096 >&3 2>/dev/null || exit 4 ;;
                    *) printf "$query" >&3 || exit 4 ;;
                esac
            done
            reply=$(timeout "$seconds" dd bs="$bytes" count="$count" <&3 2>/dev/null | od -An -v -tx1)
            if [ "$reply" ]; then echo "$reply"; exit 0; fi
        done' bash "$server" "$@" 2>/dev/null </dev/null)
    record "$?" "$key" "$answer"
}

# ask_each KEY SECONDS BYTES TRY...: the same to each nameserver of resolv.conf; the server stands behind the key.
ask_each() {
    if [ "$unfit" ]; then return; fi
    key=$1
    shift
    while read -r word server _; do
        if [ "$word" = nameserver ]; then ask_udp "$key $server" "$server" "$@" & fi
    done </etc/resolv.conf 2>/dev/null
    wait
}
