# shellcheck shell=sh
# Forgets the settings that a removed Debian package left; nothing elsewhere.
# usage: purge PACKAGE...
command -v dpkg-query >/dev/null || exit 0
for package; do
  # shellcheck disable=SC2016
  case $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) in
    rc*) dpkg --purge "$package" >/dev/null 2>&1 ;;
  esac
done
systemctl daemon-reload 2>/dev/null
exit 0
