# shellcheck shell=sh
# An apt of its own for Debian's sources: the machine's lists and sources stay as they are. Sourced.

# The mirror of Debian that this machine's apt uses, or ANYWHERE_MIRROR.
mirror() {
  # shellcheck disable=SC2016
  found=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 2>/dev/null |
    awk '$1 == "Debian" && $2 == "Debian" { print $3; exit }')
  echo "${ANYWHERE_MIRROR:-${found:-http://deb.debian.org/debian}}"
}

private_apt() {
  apt=${cache:?}/apt
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
  echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(mirror) trixie main" >"$apt/sources.list"
  cat >"$apt/apt.conf" <<END
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::Lists "$apt/lists";
Dir::Cache "$apt/cache";
END
  export APT_CONFIG="$apt/apt.conf"
  [ -n "$(find "$apt/lists" -name '*Sources*' -mmin -720)" ] || apt-get update -qq
}
