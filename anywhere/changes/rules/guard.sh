# shellcheck shell=sh
# Keeps the network rules of ECS task credentials. `once` looks and repairs once, `guard` stays. The values above, which
# are all data, say which rules: a line each, PROGRAM|TABLE|NAME|RULE WITHOUT TARGET|TARGET|OUR RULE.
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
unset ENV BASH_ENV CDPATH TMPDIR
umask 022
cd / || exit 1
rules=${rules:-} reported=${reported:-} silent=${silent:-} waits=${waits:-} native=${native:-} route=${route:-}
tick=2        # seconds between two looks at what was reported
every=2       # of these: a look at what reports no changes, the settings and the rules of iptables-legacy
safety=30     # of these: a look at everything, whatever was reported
patience=8    # repairs in about a minute before something is taken to fight them
localnet=/proc/sys/net/ipv4/conf/all/route_localnet
ports=/proc/sys/net/ipv4/ip_local_reserved_ports
lock=/run/anywhere-rules.lock
marks='169[.]254[.]170[.]2|5167[89]|127[.]0[.]0[.]'
repairs=0 heat=0 known='' lost='' listens='' seen4='' seen6='' refused=''
newline='
'

# The rules of one program in one table.
of() { printf '%s\n' "$rules" | grep -F "$1|$2|"; }

ours() { of "$1" "$2" | cut -d '|' -f 6; }

# Exactly our copies go, then all of ours come, in one transaction a table.
put_back() {
  saved=$("$1-save") || return 1
  for table in filter nat; do
    lines=$(ours "$1" "$table")
    [ -n "$lines" ] || continue
    echo "*$table"
    printf '%s\n' "$saved" | sed -n "/^\\*$table\$/,/^COMMIT/{/ --comment \"\\{0,1\\}anywhere-rules-/s/^-A/-D/p;}"
    printf '%s\n' "$lines" COMMIT
  done | "$1-restore" --noflush ${waits:+-w}
}

# Sets `found` to the last of the lines $1 that is this rule, in our form or in that of ecs-init.
find_rule() {
  found=''
  while read -r line; do
    case $line in
      "$2 -j $3" | "$2 -m comment --comment "*" -j $3") found=$line ;;
    esac
  done <<END
$1
END
}

# Looks for the rules of one program. The pattern only keeps the loop short on hosts with thousands of rules.
check() {
  program=$1 missing='' asked=''
  for table in filter nat; do
    mine=$(of "$program" "$table")
    [ -n "$mine" ] || continue
    present=$("$program-save" -t "$table" | grep -E "$marks")
    asked="$asked*$table$newline"
    while IFS='|' read -r _ _ name body target _; do
      find_rule "$present" "$body" "$target"
      if [ -n "$found" ]; then asked="$asked-C ${found#-A }$newline"; else missing="$missing $name"; fi
    done <<END
$mine
END
    asked="${asked}COMMIT$newline"
  done
  [ -n "$missing" ] || return 0
  asked=''
  put_back "$program" && lost="$lost$missing ($program)"
}

# Where no changes are reported, what was found is asked for again by `-C`: the kernel's table is read then, but not
# printed.
check_silent() {
  case $1 in ip6*) seen=$seen6 ;; *) seen=$seen4 ;; esac
  [ -n "$seen" ] && printf %s "$seen" | "$1-restore" --noflush --test ${waits:+-w} 2>/dev/null && return
  check "$1"
  case $1 in ip6*) seen6=$asked ;; *) seen4=$asked ;; esac
}

tables() { for ip in ip ip6; do case $native in *"table $ip anywhere_rules"*) nft list table "$ip" anywhere_rules ;; esac; done; }

check_native() {
  [ -n "$native" ] || return 0
  [ "$(tables 2>/dev/null | grep -c anywhere-rules-)" = "$(printf '%s' "$native" | grep -c 'comment ')" ] && return
  printf '%s' "$native" | nft -f - && lost="$lost table anywhere_rules"
}

check_route() {
  [ -n "$route" ] || return 0
  [ -n "$(ip -4 route show default)" ] || [ -n "$(ip -4 route show "$route")" ] && return
  ip -4 route add "$route/32" dev lo scope link && lost="$lost route"
}

look() {
  for program in $reported; do check "$program"; done
  check_native
  for program in $silent; do check_silent "$program"; done
  check_route
}

look_at_silent() {
  for program in $silent; do check_silent "$program"; done
  [ -n "$listens" ] || { for program in $reported; do check "$program"; done; check_native; }
}

# One cat for both: the kernel gives these files to one read alone, and `read` takes single bytes.
settings() {
  { read -r opened; read -r reserved; } <<END
$(cat $localnet $ports; echo)
END
  if [ "$opened" = 0 ]; then
    { echo 1 > $localnet; } 2>/dev/null && lost="$lost route_localnet"
  fi
  if [ "$reserved" != "$known" ] || [ -z "$known" ]; then
    { echo "${reserved:+$reserved,}51678-51680" > $ports; } 2>/dev/null
    known=$(cat $ports)
    [ "$reserved" = "$known" ] || lost="$lost reserved-ports"
  fi
}

# Each repair heats, each quiet look cools.
told() {
  if [ -z "$lost" ]; then
    [ $heat -eq 0 ] || heat=$((heat - 1))
    return 0
  fi
  repairs=$((repairs + 1)) heat=$((heat + safety))
  echo "put back:$lost"
  metrics
  lost=''
}

metrics() {
  [ -n "${run:-}" ] || return 0
  {
    echo '# HELP anywhere_rules_repairs_total Times that lost network rules of ECS task credentials were put back.'
    echo '# TYPE anywhere_rules_repairs_total counter'
    echo "anywhere_rules_repairs_total $repairs"
    echo '# HELP anywhere_rules_last_repair_seconds When that was last, in seconds since 1970; 0 for never.'
    echo '# TYPE anywhere_rules_last_repair_seconds gauge'
    if [ "$repairs" -gt 0 ]; then date +'anywhere_rules_last_repair_seconds %s'
    else echo 'anywhere_rules_last_repair_seconds 0'; fi
  } > "$run/rules.prom.new" && mv -fT "$run/rules.prom.new" "$run/rules.prom"
  [ -z "${ANYWHERE_TEXTFILE:-}" ] || publish "$ANYWHERE_TEXTFILE" && return
  [ -n "$refused" ] || echo "$ANYWHERE_TEXTFILE cannot be written safely: the metrics are in $run/rules.prom alone"
  refused=1
}

# The folder of the metrics is another user's, who may plant links and pipes there and move it. It is entered once and
# must be the one that was named; a file is made under a random name, only if nothing has that name, and then renamed.
# No name in it is ever opened for writing, so that nothing is followed, emptied or waited for.
publish() (
  folder=${1%/*} name=${1##*/}
  cd -P -- "$folder" 2>/dev/null && [ "$(pwd -P)" = "$folder" ] || exit 1
  new=.$name.$(od -An -N 8 -tx1 /dev/urandom | tr -d ' \n')
  trap 'rm -f -- "./$new"' EXIT
  dd if="$run/rules.prom" of="./$new" conv=excl oflag=nofollow 2>/dev/null && mv -fT -- "./$new" "./$name" 2>/dev/null
)

# One guard at a time: a second one waits until the first has ended, so that no rule is put back twice.
alone() {
  command -v flock >/dev/null && { : >> "$lock"; } 2>/dev/null || return 0
  exec 7>> "$lock"
  flock -n 7 && return
  [ "$1" = wait ] || return 1
  echo "another guard is at work: waiting until it ends"
  flock 7
}

guard() {
  run=${RUNTIME_DIRECTORY:-}
  [ -n "$run" ] || { run=$(mktemp -d /run/anywhere-rules.XXXXXXXX) && own=1; } || exit 1
  trap 'trap - TERM; [ -z "${own:-}" ] || rm -rf "$run"; kill 0; exit 0' TERM INT
  alone wait
  rm -f "$run/events"
  mkfifo -m 600 "$run/events" || exit 1
  exec 3<> "$run/events"
  # xtables-monitor keeps no copy of the rules, but holds its words back in a pipe unless told otherwise; nft monitor
  # keeps one, and grows with it.
  if command -v xtables-monitor >/dev/null && command -v stdbuf >/dev/null; then monitor='stdbuf -oL xtables-monitor -e'
  elif command -v nft >/dev/null; then monitor='nft monitor'
  else monitor=''; fi
  # Where nothing is reported there is nothing to do between two looks.
  if [ -n "$reported$native" ] && [ -n "$monitor" ]; then listens=1; else tick=4 every=1 safety=15; fi
  while sleep $tick; do echo tick; done >&3 3>&- 7>&- &
  if [ -n "$listens" ]; then
    pause=1
    while :; do
      born=$(date +%s)
      $monitor 2>/dev/null 3>&- | sed -nu -e 's/^NEWGEN.*/changed/p' -e 's/^# new generation.*/changed/p' >&3
      # A flood of changes ends it. What was missed is looked for now, and again when it listens again. One that does
      # not stay alive is not started again and again.
      echo changed >&3
      if [ $(($(date +%s) - born)) -gt 30 ]; then pause=1; elif [ $pause -lt 60 ]; then pause=$((pause * 2)); fi
      sleep $pause
      { sleep 1; echo changed; } >&3 3>&- &
    done 7>&- &
  fi
  metrics
  changed=1 count=0
  while read -r what <&3; do
    if [ "$what" = changed ]; then changed=1; continue; fi
    count=$((count + 1))
    [ $((count % every)) -ne 0 ] || settings
    if [ $heat -ge $((patience * safety)) ]; then
      # Something takes the rules away again and again. Going on at this pace would help nobody.
      [ $((count % safety)) -eq 0 ] || continue
      echo "another program keeps removing the rules: they are looked at once a minute until it stops"
      heat=$((heat - safety))
    fi
    if [ -n "$changed" ] || [ $((count % safety)) -eq 0 ]; then changed=; look
    elif [ $((count % every)) -eq 0 ]; then look_at_silent; fi
    told
  done
}

case ${1:-once} in
  once) if alone once; then settings; look; told; fi ;;
  guard) guard ;;
  *) echo "usage: $0 once|guard" >&2; exit 2 ;;
esac
