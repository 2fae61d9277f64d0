# shellcheck shell=sh
# Copies standard input to FOLDER/NAME, under its name only when its digest is right.
# usage: stage FOLDER NAME SHA256
mkdir -p "$1" && cat > "$1/$2.part" && sync "$1/$2.part" 2>/dev/null
[ "$(sha256sum < "$1/$2.part" | cut -d ' ' -f 1)" = "$3" ] || { rm -f "$1/$2.part"; echo "the copy is not complete" >&2; exit 1; }
mv -f "$1/$2.part" "$1/$2" && chmod 644 "$1/$2" && chmod 755 "$1"
