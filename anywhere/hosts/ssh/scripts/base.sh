#!/bin/sh
# Runs on the far side before the others, in any POSIX shell (dash, bash, busybox ash).
# The caller sets TOKEN, a word that no output can hold. $limit is several words.
# shellcheck disable=SC2154,SC2086

# The last two for a sudoers' secure_path, or a user's own, that leaves them out.
PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin
LC_ALL=C
# A locale that is not there makes bash complain at each start (CentOS 7, Amazon Linux 2 have no C.UTF-8).
if [ -d /usr/lib/locale/C.utf8 ] || [ -d /usr/lib/locale/C.UTF-8 ]; then LC_ALL=C.UTF-8; fi
LANG=$LC_ALL
# The mark of all that is started here: by it they are found again, also what has left the session.
ANYWHERE_RUN=$TOKEN
export PATH LC_ALL LANG ANYWHERE_RUN
unset CDPATH ENV BASH_ENV
# gettext prefers the first to any locale but C itself; the others change what programs print, or whom docker asks.
unset LANGUAGE POSIXLY_CORRECT BLOCK_SIZE BLOCKSIZE DF_BLOCK_SIZE LS_BLOCK_SIZE TIME_STYLE GREP_OPTIONS GREP_COLOR SYSTEMD_COLORS
unset DOCKER_API_VERSION DOCKER_TLS_VERIFY DOCKER_CERT_PATH
# bash -c reads the user's .bashrc where SSH_CLIENT is set and it is the outermost bash (bash(1), INVOCATION):
# what that prints would be treated as what our commands print.
SHLVL=2
export SHLVL
was_cut=
cd / || exit 1

# $limit SECONDS COMMAND...: a time limit, in the forms of coreutils, of old busybox, and without the program.
coreutils=/usr/bin/timeout
if { [ -x "$coreutils" ] && ! [ -L "$coreutils" ]; } || timeout -s KILL 1 true 2>/dev/null; then
    limit='timeout -s KILL'
elif timeout -t 1 -s KILL true 2>/dev/null; then
    limit='timeout -s KILL -t'
else
    limit=unlimited
    unlimited() {
        shift
        "$@"
    }
fi

# marked MARK FILE...: the files that hold it, by `$guard grep`. Some builds of busybox stop at the first null byte, and others
# have no -z: then, and where a file could not be read, it is tried without.
guard=
marked() {
    $guard grep -lszF "$@" 2>/dev/null
    [ "$?" -lt 2 ] || $guard grep -lsF "$@" 2>/dev/null
}

# sweep [ROUNDS [END]]: kill what this run has started and what still runs, or of that what has a mark with this end. The shell itself had no mark when it began, nor has
# what it forks: that goes on to its next command, which has one, so the others are looked for again.
sweep() {
    for round in ${1:-1 2 3 4 5 6}; do
        found=$(ANYWHERE_RUN='' && guard="$limit 5" && marked "ANYWHERE_RUN=$TOKEN$2" /proc/[0-9]*/environ)
        [ "$found" ] || return 0
        for entry in $found; do
            entry=${entry#/proc/}
            kill -KILL "${entry%%/*}"
        done 2>/dev/null
        [ "$round" = 1 ] || sleep 0.1 2>/dev/null || sleep 1
    done
}

# sweep_newer: the same at the end of a run in which nothing was cut off, when mostly nothing is left: one look at the
# processes that have begun since. Their numbers are higher, unless the kernel has begun again with low ones.
sweep_newer() {
    last=0 oldest=0 newer=
    read -r _ _ _ _ last 2>/dev/null </proc/loadavg
    if [ "${last:-0}" -ge $$ ]; then oldest=$$; fi
    for entry in /proc/[0-9]*; do
        if [ "${entry#/proc/}" -gt "$oldest" ]; then newer="$newer $entry/environ"; fi
    done 2>/dev/null
    [ "$newer" ] || return 0
    found=$(ANYWHERE_RUN='' && marked "ANYWHERE_RUN=$TOKEN" $newer)
    if [ "$found" ]; then sweep; fi
}

obey() {
    while read -r end; do
        if [ "$end" ]; then sweep 1 "$end"; fi
    done
}

# watch [SECONDS]: when whoever called is gone (standard input ends) or the time is over, nothing of this run is left behind.
# Each line that comes before is the end of a mark, and ends what has it: which spares every command a time limit of its own.
# Without a time, for what ends by itself, the shell reads. What it starts for that has no mark: it ends with the run, and
# there is nothing to sweep.
watch() {
    { (
        if [ "$1" ]; then
            ANYWHERE_RUN='' $limit "$1" cat | obey
        else
            obey
        fi
        sweep
        kill -KILL $$
    ) <&3 >/dev/null 2>&1 & } 3<&0 </dev/null
    watcher=$!
}

# leave [clean]: the end of a run that was not broken off; clean where nothing was started that could stay.
leave() {
    kill "$watcher" 2>/dev/null
    if [ "$was_cut" ]; then sweep; elif [ "$1" != clean ]; then sweep_newer; fi
    exit 0
}
