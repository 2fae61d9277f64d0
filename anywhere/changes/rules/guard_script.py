"""The script that keeps the rules on a host: generated from the wanted rules, in POSIX shell.

It needs no Python and none of this tool on the host, so it is the same for hosts that are reached over SSH. It waits
for events of nftables and looks at the rules only after one; iptables-legacy tells nothing, so there it looks itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.changes.rules.desired import State, Wanted, goes_on_top, wanted
from anywhere.changes.rules.nftables import native_input
from anywhere.facts.firewall.firewall import NFT, Backend
from anywhere.facts.firewall.nftables import OWN_TABLE
from anywhere.facts.firewall.route_localnet import CREDENTIAL_ADDRESS

_HEAD = """\
#!/bin/sh
# Written by `anywhere rules apply`, removed by `anywhere rules revert`: what is edited here is lost.
# Keeps the network rules of ECS task credentials. `once` looks and mends once, `guard` stays.
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
tick=2        # seconds between two looks at what was reported
every=2       # of these: a look at what reports no changes, the settings and the rules of iptables-legacy
safety=30     # of these: a look at everything, whatever was reported
patience=8    # repairs in about a minute before something is taken to fight them
localnet=/proc/sys/net/ipv4/conf/all/route_localnet
ports=/proc/sys/net/ipv4/ip_local_reserved_ports
repairs=0 heat=0 known='' lost=''
"""

# `lost` collects what was missing, in words for the log.
_BODY = """
# Exactly our copies go, then all of ours come, in one transaction a table.
put_back() {
  program=$1; shift
  saved=$("$program-save") || return 1
  for table; do
    echo "*$table"
    printf '%s\\n' "$saved" | sed -n "/^\\*$table\\$/,/^COMMIT/{/ --comment \\"\\{0,1\\}anywhere-rules-/s/^-A/-D/p;}"
    "rules_$(printf %s "$program" | tr - _)_$table"
    echo COMMIT
  done | "$program-restore" --noflush $wait
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
  [ -n "$textfile" ] || return 0
  {
    echo '# HELP anywhere_rules_repairs_total Times that lost network rules of ECS task credentials were put back.'
    echo '# TYPE anywhere_rules_repairs_total counter'
    echo "anywhere_rules_repairs_total $repairs"
    echo '# HELP anywhere_rules_last_repair_seconds When that was last, in seconds since 1970; 0 for never.'
    echo '# TYPE anywhere_rules_last_repair_seconds gauge'
    if [ "$repairs" -gt 0 ]; then date +'anywhere_rules_last_repair_seconds %s'
    else echo 'anywhere_rules_last_repair_seconds 0'; fi
  } > "$textfile.new" && mv -f "$textfile.new" "$textfile"
}

guard() {
  run=${RUNTIME_DIRECTORY:-}
  [ -n "$run" ] || { run=$(mktemp -d) && own=1; } || exit 1
  textfile=${ANYWHERE_TEXTFILE:-$run/rules.prom}
  rm -f "$run/events"
  mkfifo -m 600 "$run/events" || exit 1
  exec 3<> "$run/events"
  trap 'trap - TERM; [ -z "${own:-}" ] || rm -rf "$run"; kill 0; exit 0' TERM INT
  # xtables-monitor keeps no copy of the rules, but holds its words back in a pipe unless told otherwise; nft monitor
  # keeps one, and grows with it.
  if command -v xtables-monitor >/dev/null && command -v stdbuf >/dev/null; then monitor='stdbuf -oL xtables-monitor -e'
  elif command -v nft >/dev/null; then monitor='nft monitor'
  else monitor=''; fi
  # Where nothing is reported there is nothing to do between two looks.
  if [ -z "$events" ] || [ -z "$monitor" ]; then events='' tick=4 every=1 safety=15; fi
  while sleep $tick; do echo tick; done >&3 3>&- &
  if [ -n "$events" ]; then
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
    done &
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
  once) settings; look; told ;;
  guard) guard ;;
  *) echo "usage: $0 once|guard" >&2; exit 2 ;;
esac
"""


def guard_script(state: State) -> str:
    """The script for a host. The same state gives the same text, so that a plan can compare it with what is there."""
    blocks = tuple(_blocks(state))
    native = "" if state.backend else native_input(wanted(state), state.firewall.bridge)
    silent = [name for name, backend, _ in blocks if backend.name != NFT]
    loud = [name for name, backend, _ in blocks if backend.name == NFT] + ["native"] * bool(native)
    # The monitor reports nothing of legacy; without one the other kind is silent too.
    parts = [_HEAD, f"events={'1' if loud else ''}", f"wait={'-w' if _waits(blocks) else ''}", ""]
    parts += [_block(name, backend, rules) for name, backend, rules in blocks]
    parts += [_native(native)] if native else []
    parts += [_route()] if not state.net.has_default and _route_wanted(state) else []
    calls = [f"check_{name}" for name in (*loud, *silent)]
    route = ["check_route"] if not state.net.has_default and _route_wanted(state) else []
    parts.append("look() {\n  " + "\n  ".join([*calls, *route] or [":"]) + "\n}")
    quiet = "\n  ".join(f"check_{name}" for name in silent) or ":"
    rest = "\n    ".join(f"check_{name}" for name in loud) or ":"
    parts.append(f'look_at_silent() {{\n  {quiet}\n  if [ -z "$events" ]; then\n    {rest}\n  fi\n}}')
    return "\n".join(parts) + _BODY


def _waits(blocks: tuple[tuple[str, Backend, tuple[Wanted, ...]], ...]) -> bool:
    return all(backend.waits for _, backend, _ in blocks)


def _blocks(state: State) -> Iterator[tuple[str, Backend, tuple[Wanted, ...]]]:
    if not state.backend:
        return
    every = wanted(state)
    for backend in state.firewall.backends:
        for family in (4, 6):
            rules = tuple(w for w in every if w.backend == backend.name and w.family == family)
            if rules:
                yield backend.program_for(family).replace("-", "_"), backend, rules


def _block(name: str, backend: Backend, rules: tuple[Wanted, ...]) -> str:
    """Functions that look for the rules of one program, in our form or in that of ecs-init, and print ours. Where no
    changes are reported, what was found is asked for again by `-C`: the kernel's table is read then, but not printed."""
    program = backend.program_for(rules[0].family)
    silent = backend.name != NFT
    tables = [table for table in ("filter", "nat") if any(rule.table == table for rule in rules)]
    marks = [f"m{number}" for number in range(len(rules))]
    out = [f"check_{name}() {{"]
    if silent:
        out.append(f'  [ -n "${{seen_{name}:-}}" ] && printf %s "$seen_{name}" |')
        out.append(f"    {program}-restore --noflush --test $wait 2>/dev/null && return")
    out.append(f"  {' '.join(f'{mark}={rule.slug}' for mark, rule in zip(marks, rules))}")
    saves = "; ".join(f"{program}-save -t {table}" for table in tables)
    out.append("  while read -r line; do\n    case $line in")
    for mark, rule in zip(marks, rules):
        body, _, target = f"-A {rule.text}".rpartition(" -j ")
        found = f"{mark}='' r{mark}=$line" if silent else f"{mark}="
        out.append(f"      '{body} -j {target}'|'{body} -m comment --comment '*' -j {target}') {found} ;;")
    # The pattern only keeps the loop short on hosts with thousands of rules.
    out.append("    esac\n  done <<END")
    out.append(f"$({{ {saves}; }} | grep -E '169[.]254[.]170[.]2|5167[89]|127[.]0[.]0[.]')\nEND")
    together = "".join(f"${mark}" for mark in marks)
    out.append(f'  [ -z "{together}" ] && {_asked_again(name, rules, marks) if silent else ""}return')
    words = "".join(f"${{{mark}:+ ${mark}}}" for mark in marks)
    out.append(f'  put_back {program} {" ".join(tables)} && lost="$lost{words} ({program})"\n}}')
    for table in tables:
        out.append(f"rules_{name}_{table}() {{\n  cat <<'END'")
        for rule in reversed([rule for rule in rules if rule.table == table]):
            verb = f"-I {rule.chain} 1" if goes_on_top(rule, backend) else f"-A {rule.chain}"
            out.append(f"{verb} {rule.words}")
        out.append("END\n}")
    return "\n".join(out)


def _asked_again(name: str, rules: tuple[Wanted, ...], marks: list[str]) -> str:
    """The input of iptables-restore that fails when one of the rules that were found is gone."""
    lines = []
    for table in dict.fromkeys(rule.table for rule in rules):
        own = [f"-C ${{r{mark}#-A }}" for mark, rule in zip(marks, rules) if rule.table == table]
        lines += [f"*{table}", *own, "COMMIT"]
    return f'seen_{name}="{chr(10).join(lines)}\n" && '


def _native(text: str) -> str:
    count = text.count("comment ")
    tables = "; ".join(f"nft list table {ip} {OWN_TABLE}" for ip in ("ip", "ip6") if f"table {ip} {OWN_TABLE}" in text)
    return (
        f'check_native() {{\n  [ "$({{ {tables}; }} 2>/dev/null | grep -c anywhere-rules-)" = {count} ] && return\n'
        f"  nft -f - <<'END' && lost=\"$lost table {OWN_TABLE}\"\n{text}END\n}}"
    )


def _route_wanted(state: State) -> bool:
    return not state.net.route or " dev lo " in f"{state.net.route} "


def _route() -> str:
    route = f"{CREDENTIAL_ADDRESS}/32 dev lo scope link"
    return (
        f'check_route() {{\n  [ -n "$(ip -4 route show default)" ] || [ -n "$(ip -4 route show {CREDENTIAL_ADDRESS})" ]'
        f' && return\n  ip -4 route add {route} && lost="$lost route"\n}}'
    )
