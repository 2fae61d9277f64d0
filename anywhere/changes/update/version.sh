# shellcheck shell=sh
# Prints the version of a package file.
# usage: version deb|rpm FILE
case $1 in
  deb) dpkg-deb -f "$2" Version ;;
  rpm) rpm -qp --nosignature --qf '%{VERSION}-%{RELEASE}\n' "$2" 2>/dev/null ;;
esac
