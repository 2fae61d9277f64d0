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

# Sets `p` to where a path leads once all links are followed. A link in a folder where others may write is none of
# root's, wherever it points to.
follow() {
  rest=${1#/} p='' links=0
  while [ -n "$rest" ]; do
    name=${rest%%/*}
    case $rest in */*) rest=${rest#*/} ;; *) rest='' ;; esac
    case $name in
      '' | .) ;;
      ..) p=${p%/*} ;;
      *)
        if [ -L "$p/$name" ] && [ "$links" -lt 40 ]; then
          only_root_writes "${p:-/}" || return 1
          [ -z "$shared" ] || { echo "$p/$name is a link in a folder that others may write to: not followed" >&2; return 1; }
          links=$((links + 1))
          target=$(readlink -- "$p/$name" && echo .) && target=${target%??} || return 1
          case $target in /*) p='' ;; esac
          rest=${target#/}${rest:+/$rest}
        else
          p=$p/$name
        fi
        ;;
    esac
  done
}
