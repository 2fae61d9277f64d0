#!/bin/sh
# All networks of docker. A shell takes in whatever a program prints: hence the limit. Only the last line is run.
# shellcheck disable=SC2086
ids=$(docker network ls -q | head -c 65536) && [ -n "$ids" ] && docker network inspect $ids
