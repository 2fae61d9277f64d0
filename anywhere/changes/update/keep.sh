# shellcheck shell=sh
# Keeps an installed Debian package as a file, made of what is installed: files, control data, maintainer scripts.
# Settings files (conffiles) go along as they are. Prints nothing; the file gets its name only when it is complete.
# usage: keep PACKAGE FILE
package=$1 file=$2
umask 022
[ ! -e "$file" ] || exit 0
command -v dpkg-deb >/dev/null || { echo "dpkg-deb is missing" >&2; exit 1; }
mkdir -p -- "${file%/*}" || exit 1
rm -rf -- "${file%/*}"/.keep.* # of a run that was killed
tree=$(mktemp -d "${file%/*}/.keep.XXXXXXXX") || exit 1
trap 'rm -rf -- "$tree" "$file.new"' EXIT
mkdir -m 755 "$tree/DEBIAN"
dpkg-query -s "$package" | awk '
  /^[^ ]/ { skip = ($0 ~ /^(Status|Conffiles|Config-Version):/) }
  !skip { print }
' > "$tree/DEBIAN/control" || exit 1
grep -q '^Version:' "$tree/DEBIAN/control" || { echo "$package is not installed" >&2; exit 1; }
for part in preinst postinst prerm postrm config templates triggers conffiles shlibs; do
  for name in "$package" "$package:$(dpkg --print-architecture)"; do
    [ ! -f "/var/lib/dpkg/info/$name.$part" ] || cp -p "/var/lib/dpkg/info/$name.$part" "$tree/DEBIAN/$part"
  done
done
dpkg-query -L "$package" | while IFS= read -r path; do
  [ "$path" != /. ] || continue
  # /lib is a link on a merged system, and a folder in the package.
  if { [ -L "$path" ] && [ ! -d "$path" ]; } || { [ -f "$path" ] && [ ! -L "$path" ]; }; then
    mkdir -p "$tree${path%/*}" && cp -pP -- "$path" "$tree$path" || exit 1
  elif [ -d "$path" ]; then
    mkdir -p "$tree$path" || exit 1
  fi
done || exit 1
# A file that the program itself has removed (a cache) is none of the package any more.
chmod 755 "$tree"
dpkg-deb --build -Zgzip "$tree" "$file.new" >/dev/null || exit 1
sync "$file.new" 2>/dev/null || sync
mv -fT -- "$file.new" "$file"
