#!/bin/sh
# Shows `anywhere check` on a healthy and on a faulty host of the embedded region; with REGION, on this host for real.
set -u
python=${PYTHON:-python3}

if [ -n "${REGION:-}" ]; then
  exec "$python" -m anywhere check --region "$REGION" "$@"
fi

judge() {
  "$python" -m tests.region "$@" -- "$python" -m anywhere check --region us-east-1
}

echo "== A healthy region: expected READY =="
judge
healthy=$?
echo
echo "== The same host behind a firewall that drops ssmmessages: expected NOT READY, one cause =="
judge --fault endpoint-dropped
faulty=$?

if [ "$healthy" -ne 0 ] || [ "$faulty" -ne 1 ]; then
  echo "demo: expected exit codes 0 and 1, got $healthy and $faulty" >&2
  exit 1
fi
