# shellcheck shell=sh
# Lets systemd read a unit again, and starts it now and at every boot.
# usage: start UNIT
systemctl daemon-reload && systemctl enable --quiet "$1" && systemctl restart "$1"
