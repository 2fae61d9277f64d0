#!/bin/sh
# Runs on the far side: jobs in the background, each of which writes one record at once.
# The caller sets TOKEN, a word that no output can hold.
# shellcheck disable=SC2154

# look_up NAME: the system's resolver, in one write, because many run at once. The resolver has time limits of its own.
look_up() {
    answer=$(getent ahosts "$1" 2>/dev/null </dev/null)
    printf '\n%s %s %s\n%s\n\n%s end\n' "$TOKEN" "$?" "$1" "$answer" "$TOKEN"
}

# ask_udp KEY SERVER QUERY: one datagram to a nameserver, the reply as hexadecimal digits; two tries of a second. Only
# bash can send one by itself.
ask_udp() {
    # shellcheck disable=SC2016 # the words of the inner shell
    answer=$(bash -c 'exec 3<>"/dev/udp/$1/53" || exit 3
        for try in 1 2; do
            printf "$2" >&3 || exit 4
            reply=$(timeout 1 dd bs=4096 count=1 <&3 2>/dev/null | od -An -v -tx1 | tr -d " \n")
            if [ "$reply" ]; then echo "$reply"; exit 0; fi
        done' bash "$2" "$3" 2>/dev/null </dev/null)
    printf '\n%s %s %s\n%s\n\n%s end\n' "$TOKEN" "$?" "$1" "$answer" "$TOKEN"
}
