# shellcheck shell=sh
# Stands before every script: programs from the system's folders alone, nothing read from the caller's folder or settings.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C IFS=' 	
'
export PATH LC_ALL
unset ENV BASH_ENV CDPATH TMPDIR PYTHONPATH PYTHONHOME PYTHONSTARTUP PERL5LIB PERL5OPT PERLLIB
umask 077
cd / || exit 1

# Read by the script that follows.
shared=''
export shared

# Whether a folder, and every folder above it, can be changed by root alone. Sets `shared` where a group other than
# root's may write to it (/usr/local on Debian): there nothing is followed and nothing is taken over. Says why not.
only_root_writes() {
  above=$1 shared=''
  while :; do
    found=$(stat -c '%u %g %a' -- "$above") || return 1
    # shellcheck disable=SC2086
    set -- $found
    [ "$1" = 0 ] || { echo "$above belongs to user $1, who could redirect what root writes: make it root's" >&2; return 1; }
    case $3 in
      *[2367]) echo "$above may be written by every user, who could redirect what root writes: chmod o-w $above" >&2; return 1 ;;
      *[2367]?) [ "$2" = 0 ] || shared=1 ;;
    esac
    [ "$above" != / ] || return 0
    above=$(dirname -- "$above")
  done
}
