# shellcheck shell=sh
# Makes a file of UTF-16 one of UTF-8, with line ends of Unix. Only the last line is shown and run.
text=$(iconv -f UTF-16 -t UTF-8 "$1") && printf '%s\n' "$text" | tr -d '\r' > "$1"
