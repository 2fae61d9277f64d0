#!/bin/sh
# The lines that give a proxy to logins, to package managers and to wget, with their places; users and passwords stay there.
# Only the last line is run.
grep -HniE '^[[:space:]]*(export[[:space:]]+)?https?_proxy[[:space:]]*=|^[[:space:]]*proxy[[:space:]]*=|^[[:space:]]*acquire::https?::proxy[[:space:]]' /etc/environment /etc/profile.d/*.sh /etc/sysconfig/proxy /etc/dnf/dnf.conf /etc/yum.conf /etc/wgetrc /etc/apt/apt.conf /etc/apt/apt.conf.d/* 2>/dev/null | head -n 40 | sed -E -e 's#//[^@"[:space:]]*@#//***@#' -e 's#([="[:space:]])[^/@"=[:space:]]+@#\1***@#'
