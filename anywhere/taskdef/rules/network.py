"""Rules on the network mode and on what depends on it: links, names, resolvers, App Mesh."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from anywhere.taskdef.rule import (
    EC2,
    EVERY,
    EXTERNAL,
    FARGATE,
    MANAGED,
    MODES,
    Case,
    Mark,
    fail,
    note,
    over,
    put,
    remove,
    rule,
    warn,
)
from anywhere.taskdef.rules import sources
from anywhere.taskdef.shapes.faults import is_placeholder, show
from anywhere.taskdef.source.node import Node
from anywhere.taskdef.words import named


@rule(
    "taskdef.network-mode",
    "network mode",
    scope="definition",
    launch=EVERY,
    meaning="External Linux hosts run bridge (also when unset), host and none, and refuse awsvpc. On external Windows "
    "hosts the mode stays unset (`default`); AWS's own Windows example says bridge, so that is accepted and noted. "
    "Fargate takes awsvpc only; EC2 takes every mode on Linux, and default or awsvpc on Windows; managed instances take "
    "awsvpc (also when unset), host and none.",
    fine="the launch type has this network mode",
    source=f"{sources.EXTERNAL_PAGE}, networking; {sources.RUN_EXTERNAL}; {sources.REGISTER}, field networkMode; "
    f"{sources.MODES_PAGE}; {sources.MANAGED_PAGE}",
)
def network_mode(case: Case, node: Node) -> Iterator[Mark]:
    mode = node.at("networkMode")
    text = mode.text()
    if text not in ("", "default", *MODES):
        yield fail(mode, f"{text} is no network mode", f"use one of {', '.join(MODES)}, or leave it out")
    elif case.launch == FARGATE:
        if text != "awsvpc":
            yield fail(mode, f"Fargate needs awsvpc, not {text or 'bridge (unset)'}", "use awsvpc", put(mode, "awsvpc"))
    elif case.launch == MANAGED:
        if text == "bridge":
            yield fail(
                mode, "managed instances have awsvpc, host and none, not bridge", "use awsvpc", put(mode, "awsvpc")
            )
    elif case.launch == EXTERNAL and text == "awsvpc":
        yield _no_awsvpc(case, mode)
    elif case.windows:
        yield from _windows(case, mode, text)
    elif text == "default":
        yield fail(mode, "default is a mode of Windows containers only", "use bridge", put(mode, "bridge"))


def _no_awsvpc(case: Case, mode: Node) -> Mark:
    edit = remove(mode) if case.windows else put(mode, "bridge")
    advice = "leave it unset" if case.windows else "use bridge, or host where the port must not be mapped"
    return fail(mode, "external instances have no awsvpc: there is no VPC interface to give to a task", advice, edit)


def _windows(case: Case, mode: Node, text: str) -> Iterator[Mark]:
    if text == "default":
        yield note(mode, "default is what the page asks for; the API has no such value: leave it out if it is refused")
    elif text == "bridge":
        place = "external Windows" if case.launch == EXTERNAL else "Windows"
        why = f"AWS's pages disagree on {place} containers: the mode must be default, and an example says bridge"
        yield warn(mode, why, "leave the mode out", remove(mode))
    elif text in ("host", "none"):
        yield fail(mode, f"Windows containers have no {text} mode", "leave the mode out", remove(mode))


# Linux, include/uapi/linux/limits.h, HOST_NAME_MAX.
MOST_HOSTNAME = 64
# Source: AWS: VPC user guide, AmazonDNS-concepts.
_VPC_RESOLVERS = (ipaddress.ip_address("169.254.169.253"), ipaddress.ip_address("fd00:ec2::253"))


@rule(
    "taskdef.links",
    "links between containers",
    scope="container",
    launch=EVERY,
    meaning="Links work in bridge mode only and not with Windows containers. Each names another container of the task, with "
    "an alias or without.",
    fine="links where they work",
    source=f"{sources.REGISTER}, field links; amazon-ecs-agent, initializeContainerOrdering",
)
def links(case: Case, node: Node) -> Iterator[Mark]:
    links = node.at("links")
    if not links.filled:
        return
    if case.windows:
        yield fail(links, "Windows containers have no links", "use the containers' ports", remove(links))
    elif case.mode != "bridge":
        why = f"links work in bridge mode only, not in {case.mode}"
        yield fail(links, why, "reach the other container over localhost (host, awsvpc)", remove(links))
    else:
        yield from over(links.each(), lambda link: _linked(case, node, link))


def _linked(case: Case, own: Node, link: Node) -> Iterator[Mark]:
    target, _, alias = link.text().partition(":")
    if target not in [container.at("name").text() for container in case.containers]:
        yield fail(
            link, f"links to {named(target)}, which is no container of this task", "name a container of the task"
        )
    elif target == own.at("name").text():
        yield fail(link, f"{target} links to itself and never starts", "take the link out", remove(link))
    elif ":" in alias:
        text = f"{show(link.text())} is not a link: the agent reads NAME or NAME:ALIAS and does not start the task"
        yield fail(link, text, f"write {target}, or {target}:ALIAS")


@rule(
    "taskdef.hostname",
    "hostname and extra hosts",
    scope="container",
    launch=EVERY,
    meaning="`hostname` and `extraHosts` are refused with awsvpc, where the task has the interface's name; Windows "
    "containers have no `extraHosts`. Each extra host has a name and an IP address, or `host-gateway`, for docker. Linux takes "
    "hostnames of up to 64 bytes.",
    fine="no name that the network mode refuses",
    source=f"{sources.REGISTER}, fields hostname and extraHosts; {sources.MOBY}, ValidateExtraHost and maxHostnameLen",
)
def hostname(case: Case, node: Node) -> Iterator[Mark]:
    hostname, hosts = node.at("hostname"), node.at("extraHosts")
    if hostname.filled and case.mode == "awsvpc":
        yield fail(hostname, "a hostname is refused with awsvpc", "take it out", remove(hostname))
    elif case.launch in (EXTERNAL, EC2):
        yield from over([hostname], lambda hostname: _long_name(case, hostname), quiet=True)
    if hosts.filled and case.windows:
        yield fail(hosts, "Windows containers take no extra hosts", "use a resolver", remove(hosts))
    elif hosts.filled and case.mode == "awsvpc":
        yield fail(hosts, "extra hosts are refused with awsvpc", "use a resolver", remove(hosts))
    elif case.launch in (EXTERNAL, EC2):
        yield from over(hosts.each(), _extra_host, quiet=True)


def _long_name(case: Case, hostname: Node) -> Iterator[Mark]:
    length = len(hostname.text().encode(errors="replace"))
    if length > MOST_HOSTNAME and not is_placeholder(hostname.text()) and not case.windows:
        text = f"the hostname has {length} bytes, and Linux takes {MOST_HOSTNAME}: the container does not start"
        yield fail(hostname, text, "shorten it")


def _extra_host(item: Node) -> Iterator[Mark]:
    name, address = item.at("hostname"), item.at("ipAddress")
    if name.raw == "":
        yield fail(name, "docker refuses an extra host without a name", "name it, or take it out", remove(item))
    text = address.text().strip()
    if address.present and text != "host-gateway" and not is_placeholder(text) and _address(text) is None:
        why = f"an extra host needs an IP address in docker, not {show(text)}"
        yield fail(address, why, "write the IP address")


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.strip())
    except ValueError:
        return None


@rule(
    "taskdef.dns",
    "DNS servers and search domains",
    scope="container",
    meaning="Windows containers take neither. With awsvpc ECS refuses servers, and older pages rule out search domains. "
    "Servers are named by their address. A loopback resolver is the container's own loopback in every mode but host. "
    "Amazon's resolver (169.254.169.253) answers inside a VPC only.",
    fine="resolvers that containers can use",
    source=f"{sources.REGISTER}, fields dnsServers and dnsSearchDomains; {sources.GUIDE} (2023), the same fields; AWS: "
    "VPC user guide, AmazonDNS-concepts; "
    f"{sources.MOBY}, api/types/container/hostconfig.go; {sources.SEEN}, pf-ecs-fargate-dns-servers",
)
def dns(case: Case, node: Node) -> Iterator[Mark]:
    for field in (node.at("dnsServers"), node.at("dnsSearchDomains")):
        if field.filled and case.windows:
            yield fail(field, "Windows containers take no DNS settings", "set them on the host", remove(field))
        elif field.filled and case.mode == "awsvpc" and field.pointer.endswith("/dnsServers"):
            yield fail(
                field, "DNS servers are refused with awsvpc", "set them in the VPC's DHCP options", remove(field)
            )
        elif field.filled and case.mode == "awsvpc":
            why = "AWS's pages disagree whether search domains work with awsvpc: an older one refuses them"
            yield warn(field, why, "set them in the VPC's DHCP options", remove(field))
    if node.at("dnsServers").filled and case.mode in ("bridge", "awsvpc") and not case.windows:
        yield from over(node.at("dnsServers").each(), lambda server: _loopback(case, server))
    elif node.at("dnsServers").filled and case.launch in (EXTERNAL, EC2) and not case.windows:
        yield from over(node.at("dnsServers").each(), _no_address, quiet=True)
    if case.launch == EXTERNAL:
        yield from over(node.at("dnsServers").each(), _resolver_of_a_vpc, quiet=True)


def _resolver_of_a_vpc(server: Node) -> Iterator[Mark]:
    if (address := _address(server.text())) in _VPC_RESOLVERS:
        why = f"{address} is Amazon's resolver, which answers inside a VPC only: not on external instances"
        yield fail(server, why, "give the address of the site's resolver", remove(server))


def _no_address(server: Node) -> Iterator[Mark]:
    """With host and none: docker's API has had addresses in the place of text since release 29."""
    if _address(server.text()) is None and not is_placeholder(server.text()):
        why = f"{show(server.text())} is not an IP address: docker 29 and newer create no container with it"
        yield warn(server, why, "give the address of the DNS server")


def _loopback(case: Case, server: Node) -> Iterator[Mark]:
    address = _address(server.text())
    if address is None:
        yield fail(server, "a DNS server must be an IP address", "give its address")
    elif address.is_loopback:
        why = f"{address} is the container's own loopback in {case.mode} mode: nothing answers there"
        yield warn(server, why, "give the address that the resolver has on the network", remove(server))


_PROXY_PORTS = ("ProxyIngressPort", "ProxyEgressPort", "AppPorts")


@rule(
    "taskdef.app-mesh",
    "App Mesh proxy",
    scope="definition",
    meaning="External instances have no App Mesh; elsewhere its proxy needs awsvpc and Linux containers, is a container of the "
    "task, and has its ports.",
    fine="no App Mesh proxy where there is none",
    source=f"{sources.EXTERNAL_PAGE}, considerations; {sources.AGENT_CAPABILITY}; {sources.GUIDE}, "
    f"windows_task_definitions; {sources.API}, type ProxyConfiguration; {sources.SEEN}, "
    "pf-ecs-proxy-configuration-container-missing and pf-ecs-proxy-configuration-missing-required-props",
)
def app_mesh(case: Case, node: Node) -> Iterator[Mark]:
    proxy = node.at("proxyConfiguration")
    if not proxy.filled:
        return
    if case.launch == EXTERNAL:
        advice = "take it out, and the proxy container with it"
        yield fail(proxy, "external instances have no App Mesh", advice, remove(proxy))
    elif case.windows:
        yield fail(proxy, "Windows containers have no proxyConfiguration", "take it out", remove(proxy))
    elif case.launch in (EC2, FARGATE) and case.mode != "awsvpc":
        yield fail(proxy, f"the App Mesh proxy needs awsvpc, not {case.mode}", "use awsvpc", put(_mode(case), "awsvpc"))
    if case.launch != EXTERNAL and not case.windows:
        yield from over([proxy], lambda proxy: _proxy(case, proxy), quiet=True)


def _proxy(case: Case, proxy: Node) -> Iterator[Mark]:
    name = proxy.at("containerName")
    if name.filled and name.text() not in [container.at("name").text() for container in case.containers]:
        text = f"the App Mesh proxy is the container {show(name.text())}, which this task does not have"
        yield fail(name, text, "name one of its containers")
    given = {item.at("name").text() for item in proxy.at("properties").each()}
    if missing := [port for port in _PROXY_PORTS if port not in given]:
        text = f"the App Mesh proxy lacks {', '.join(missing)}"
        yield fail(proxy, text, "add the properties")


def _mode(case: Case) -> Node:
    return case.node.at("networkMode")
