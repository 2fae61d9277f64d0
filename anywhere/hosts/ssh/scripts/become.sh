#!/bin/sh
# Notes the login's environment and clock, then runs INNER with root's rights where they can be had, else without.
# The caller sets TOKEN, INNER, RELEVANT (an extended regular expression), and SUDO: no, quiet (never asks) or asks.
# Three parts come first: environment, clock, and `root`, `sudo` or `none` with what sudo said on standard error.
# shellcheck disable=SC2153,SC2154

mark() {
    printf '\n%s %s\n' "$TOKEN" "$1"
    printf '\n%s\n' "$TOKEN" >&2
}

# What is called sudo in a user's own folder may be something else.
find_sudo() {
    for sudo in /usr/bin/sudo /usr/local/bin/sudo /bin/sudo /run/wrappers/bin/sudo; do
        if [ -u "$sudo" ] && [ -x "$sudo" ]; then return; fi
    done
    sudo=
}

# The prompt is one that nobody else can print; the password is sent when it is read, and not before. Root is named, since
# sudoers may have another default (runas_default).
as_root() {
    if [ "$SUDO" = asks ]; then
        "$sudo" -S -p "$TOKEN-sudo" -u root /bin/sh -c "$@"
    else
        "$sudo" -n -u root /bin/sh -c "$@"
    fi
}

mark start
# One program where it can take the kernel's record, which ends each variable with a null byte.
grep -ziE "^($RELEVANT)=" "/proc/$$/environ" 2>/dev/null
if [ "$?" -gt 1 ]; then env | grep -iE "^($RELEVANT)="; fi
mark 0
date +%s.%N
mark $?
# The kernel's record spares a process here too.
uid=
while read -r word _ uid _; do
    if [ "$word" = Uid: ]; then break; fi
    uid=
done 2>/dev/null </proc/self/status
uid=${uid:-$(id -u)}
if [ "$uid" = 0 ]; then
    mark root
    eval "$INNER"
    exit 0
fi
if [ "$SUDO" != no ]; then
    find_sudo
    if [ "$sudo" ]; then
        # NOEXEC (sudoers(5)): a shell that can start nothing sees less than one without root's rights.
        as_root "case \$LD_PRELOAD in *sudo_noexec*) echo 'sudo: allows a shell that can start no program (NOEXEC)' >&2; exit 1 ;; esac
uid=0; printf '\n%s sudo\n' '$TOKEN'; printf '\n%s\n' '$TOKEN' >&2
$INNER"
        # sudo itself returns 1 when it refuses; what it runs never does.
        [ "$?" = 1 ] || exit 0
    else
        echo 'sudo: not installed' >&2
    fi
fi
mark none
eval "$INNER"
