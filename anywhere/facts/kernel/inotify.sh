#!/bin/sh
# Root's processes, as both agents and docker are: the kernel counts instances by user. Only the last line is run.
find /proc/[0-9]*/fd -user root -lname 'anon_inode:*inotify*' 2>/dev/null | wc -l
