# shellcheck shell=sh
# Takes the keys that the SSM agent wrote out of a shared credentials file: the default profile, where it has a session
# token. Other profiles, comments and other keys stay; a file without any other line goes, and its folder when empty.
# Never called for a file behind a link. usage: keys FILE
file=$1
[ -f "$file" ] && [ ! -L "$file" ] && [ ! -L "${file%/*}" ] || exit 0
only_root_writes "${file%/*}" || exit 0
text=$(awk '
  /^[[:space:]]*\[/ { inside = ($0 ~ /^[[:space:]]*\[[[:space:]]*default[[:space:]]*\][[:space:]]*$/) }
  inside && /^[[:space:]]*aws_session_token[[:space:]]*=/ { token = 1 }
  END { exit !token }
' "$file" && awk '
  /^[[:space:]]*\[/ { inside = ($0 ~ /^[[:space:]]*\[[[:space:]]*default[[:space:]]*\][[:space:]]*$/) }
  inside && /^[[:space:]]*aws_(access_key_id|secret_access_key|session_token)[[:space:]]*=/ { next }
  { print }
' "$file" && echo .) || exit 0
text=${text%.}
if ! printf '%s' "$text" | grep -qvE '^[[:space:]]*(\[[[:space:]]*default[[:space:]]*\])?[[:space:]]*$'; then
  rm -f -- "$file"
  rmdir -- "${file%/*}" 2>/dev/null
  exit 0
fi
new=${file%/*}/.credentials.anywhere-$(tr -d - < /proc/sys/kernel/random/uuid | cut -c 1-16)
trap 'rm -f -- "$new"' EXIT
printf '%s' "$text" > "$new" && chmod --reference="$file" -- "$new" && chown --reference="$file" -- "$new" &&
  { sync -- "$new" 2>/dev/null || sync; } && mv -fT -- "$new" "$file"
