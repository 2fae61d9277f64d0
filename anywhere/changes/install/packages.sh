#!/bin/sh
# packages.sh install MANAGER WAIT WHAT... | back MANAGER WAIT FILE... | remove MANAGER WAIT NAME... | pulls MANAGER WHAT...
# Installs names from the host's repositories or files that were verified before. The package manager runs in a session
# of its own and writes to a file: whoever started this may be killed, and no package is left half unpacked by it.
set -u
action=$1 manager=$2 wait=$3
shift 3
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l APT_LISTCHANGES_FRONTEND=none LC_ALL=C.UTF-8
state=/run/anywhere
log=$state/packages.log
lock=$state/packages.lock

detached() {
  # 9 is the lock: the package manager inherits it, so that a later run waits until this one has really ended.
  # shellcheck disable=SC2016 # the inner shell expands them
  setsid sh -c '"$@" >>"$0" 2>&1 </dev/null' "$log" "$@"
}

busy() {
  grep -qE 'Could not get lock|Unable to acquire the dpkg|is locked by another|database lock|holding the yum lock|System management is locked' "$log"
}

patiently() {
  # Another package manager (unattended upgrades) may hold the lock: wait for it, then say who it was.
  end=$(($(date +%s) + wait))
  while :; do
    : >"$log"
    detached "$@" && return 0
    rc=$?
    busy || return "$rc"
    [ "$(date +%s)" -lt "$end" ] || return 75
    sleep 2
  done
}


interrupted() {
  # Half-configured packages, or notes of a dpkg that was killed before it could file them.
  [ -n "$(dpkg --audit 2>/dev/null)" ] && return
  for note in /var/lib/dpkg/updates/[0-9]*; do [ -e "$note" ] && return; done
  return 1
}

install_apt() {
  if interrupted; then
    patiently dpkg --force-confdef --force-confold --configure -a || :
    patiently apt-get -q -y -f install || :
  fi
  patiently apt-get -q -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
    -o APT::Install-Recommends=false --allow-downgrades --reinstall install "$@" && return 0
  rc=$?
  [ "$rc" != 75 ] || return 75
  # A list of packages that is old or absent is the usual reason; one update, one more try.
  grep -qE 'Unable to locate|no installation candidate|404|but it is not (installable|going to be)|Failed to fetch' "$log" || return "$rc"
  cp "$log" "$log.first"
  patiently apt-get -q -o Acquire::Retries=2 -o Acquire::http::Timeout=20 update
  rc=$?
  [ "$rc" != 75 ] || return 75
  grep -qE '^(Err|E):' "$log" && ! grep -qE '^(Hit|Get):' "$log" && return 76
  [ "$rc" = 0 ] || return "$rc"
  patiently apt-get -q -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
    -o APT::Install-Recommends=false --allow-downgrades install "$@"
}

# What dnf, yum and zypper say of a repository that does not answer, or answers with something else.
unreachable='Failed to download metadata|Cannot (download|find a valid baseurl)|Could not retrieve mirrorlist|Cannot retrieve (repository )?metadata|Valid metadata not found|repomd\.xml|Curl error|Download \(curl\) error|Status code: [45]'

# The signature of a file was verified before; rpm knows none of these keys. What the file needs comes from repositories, and
# is checked with their keys as always: --nogpgcheck would be for both.
rpm_files() {
  case $manager in
    dnf) patiently dnf -y --setopt=localpkg_gpgcheck=0 --setopt=install_weak_deps=False "$@" ;;
    yum) patiently yum -y --setopt=localpkg_gpgcheck=0 "$@" ;;
    zypper) patiently zypper --non-interactive "$@" ;;
  esac
}

# A host without repositories that answer, as in an air gap, may have all that the file needs: then they are left out.
install_rpm() {
  options='' alone="--disablerepo=*"
  if [ "$manager" = zypper ]; then options='--no-recommends --allow-unsigned-rpm' alone=--no-refresh; fi
  # shellcheck disable=SC2086
  rpm_files install $options "$@" && return 0
  rc=$?
  [ "$rc" != 75 ] || return 75
  cp "$log" "$log.first"
  if [ "$manager" = zypper ] && grep -qi 'signature verification failed' "$log.first"; then
    # Signed, with a key that rpm does not know: zypper can leave that unchecked for repositories too, or not at all.
    patiently rpm -U --nosignature --replacepkgs "$@" && return 0
    return 1
  fi
  grep -qE "$unreachable" "$log.first" || return "$rc"
  # shellcheck disable=SC2086
  if [ "$manager" = zypper ]; then rpm_files "$alone" install $options "$@"; else rpm_files "$alone" install "$@"; fi && return 0
  cp "$log.first" "$log"
  return 76
}

# A repository's own packages are checked by the package manager with the repository's key.
install_names() {
  case $manager in
    dnf) patiently dnf -y --setopt=install_weak_deps=False install "$@" ;;
    yum) patiently yum -y install "$@" ;;
    zypper) patiently zypper --non-interactive install --no-recommends "$@" ;;
  esac && return 0
  rc=$?
  [ "$rc" != 75 ] || return 75
  grep -qE "$unreachable" "$log" && return 76
  return "$rc"
}

# An older version of what is installed, from a file.
back() {
  case $manager in
    apt) install_apt "$@" ;;
    dnf) patiently dnf -y --nogpgcheck downgrade "$@" || patiently dnf -y --nogpgcheck reinstall "$@" ;;
    yum) patiently yum -y --nogpgcheck downgrade "$@" || patiently yum -y --nogpgcheck reinstall "$@" ;;
    zypper) patiently zypper --non-interactive --no-gpg-checks install --oldpackage --allow-unsigned-rpm "$@" ;;
  esac
}

remove() {
  case $manager in
    apt) patiently apt-get -q -y remove "$@" ;;
    dnf) patiently dnf -y remove "$@" ;;
    yum) patiently yum -y remove "$@" ;;
    zypper) patiently zypper --non-interactive remove "$@" ;;
  esac
}

umask 022
mkdir -p "$state"
exec 9>"$lock"
flock -w "$wait" 9 || { echo "another run still installs packages on this host" >&2; exit 75; }
: >"$log"
case $action in
  pulls)
    # What an installation would bring beside what was asked for.
    apt-get -q -s -o APT::Install-Recommends=false install "$@" 2>/dev/null | sed -n 's/^Inst \([^ ]*\).*/\1/p'
    exit 0
    ;;
  remove) remove "$@" ;;
  back) back "$@" ;;
  install)
    case $manager in
      apt) install_apt "$@" ;;
      *) case $1 in /*) install_rpm "$@" ;; *) install_names "$@" ;; esac ;;
    esac
    ;;
esac
rc=$?
case $rc in
  0) rm -f "$log" "$log.first" ;;
  75) echo "the package manager is in use by another program: $(grep -m1 -oE 'held by process [0-9]+ \([^)]*\)|PID [0-9]+|pid [0-9]+' "$log" || echo unknown)" >&2 ;;
  76) echo "no package repository of this host answers: $(grep -m1 -E "^(Err|E):|$unreachable" "$log")" >&2 ;;
  *) grep -m1 -E 'No space left|^E:|^Error|error:|Errors were encountered|Problem:' "$log" >&2 || tail -n 1 "$log" >&2 ;;
esac
exit "$rc"
