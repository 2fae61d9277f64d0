#!/bin/sh
# Where the command is, and what it is a link to. Only the last line is run.
# shellcheck disable=SC2046
command -v docker && readlink -f $(command -v docker)
