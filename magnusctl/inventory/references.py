"""What one part of an inventory says of another: hosts of groups and links, addresses, jumps."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Iterator

from magnusctl.inventory import protection, secrecy, serving
from magnusctl.inventory.findings import nearest
from magnusctl.inventory.load import Problem, place
from magnusctl.inventory.marks import Document, Mark, Path
from magnusctl.inventory.model import Host, Inventory, Link
from magnusctl.inventory.ranges import address_of, expand
from magnusctl.inventory.specs import FileSpec, Resources

DESTINATION = re.compile(r"(?:([^@\s-][^@\s]*)@)?(\[[0-9a-fA-F:.]+\]|[^:\s@-][^:\s@]*)(?::(\d+))?")
"""`[user@]host[:port]`, as ssh takes it; none of the parts begins with a dash."""


def problems(document: Document, inventory: Inventory) -> Iterator[Problem]:
    """Everything that refers to nothing, or to what it must not."""
    hosts = {name for pattern in inventory.hosts for name, _ in expand(pattern)}
    yield from _twice(document, inventory)
    for pattern, host in inventory.hosts.items():
        yield from _address(document, pattern, host)
        yield from _jumps(document, inventory, pattern, host)
        yield from _fitting(document, pattern, host)
        path: Path = ("hosts", pattern, "resources")
        yield from declared(document, path, host.resources, inventory.secrets)
    for name, group in inventory.groups.items():
        for index, pattern in enumerate(group.hosts):
            for member, _ in expand(pattern):
                if member not in hosts:
                    mark = place(document, ("groups", name, "hosts", index))
                    yield _no_host(member, hosts, f"group {name}", mark)
        path = ("groups", name, "resources")
        yield from declared(document, path, group.resources, inventory.secrets)
    for name, link in inventory.links.items():
        yield from _link(document, name, link, hosts)
    yield from _networks(document, inventory)
    yield from serving.problems(document, inventory)
    yield from protection.problems(document, inventory)
    yield from secrecy.problems(document, inventory)


def _twice(document: Document, inventory: Inventory) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for pattern in inventory.hosts:
        for host, _ in expand(pattern):
            if host in seen:
                mark = place(document, ("hosts", pattern), key=True)
                yield Problem(f"host {host} is also in '{seen[host]}'", mark, "", len(pattern))
                break
            seen[host] = pattern


def _no_host(host: str, hosts: Iterable[str], by: str, mark: Mark) -> Problem:
    hint = nearest(host, hosts) or f"hosts: {', '.join(sorted(hosts)[:12])}"
    return Problem(f"{by} names the host '{host}', which does not exist", mark, hint, len(host))


def _address(document: Document, pattern: str, host: Host) -> Iterator[Problem]:
    address = host.address
    if address is None:
        return
    numbered = expand(pattern)
    mark = place(document, ("hosts", pattern, "address"))
    width = len(address)
    if "{n}" in address and not numbered[0][1]:
        message = f"'address': {{n}} is the number of a host range, and '{pattern}' is none"
        yield Problem(message, mark, "", width)
    elif "{n}" not in address and len(numbered) > 1:
        message = f"'address': every host of {pattern} would have it"
        yield Problem(message, mark, "put {n} where the number goes", width)
    elif re.fullmatch(r"[0-9.{n}]+", address) and "." in address:
        for name, number in numbered:
            found = address_of(address, number)
            if not _is_ip(found):
                yield Problem(
                    f"'address': {found} of host {name} is not an IP address", mark, "", width
                )
                break


LINUX_ONLY = ("cuda", "training", "trading")


def _fitting(document: Document, pattern: str, host: Host) -> Iterator[Problem]:
    """Roles and engines that the operating system cannot have."""
    for index, role in enumerate(host.roles):
        mark = place(document, ("hosts", pattern, "roles", index))
        if role in LINUX_ONLY and host.macos:
            yield Problem(
                f"role {role} needs Linux, and {pattern} is {host.os}", mark, "", len(role)
            )
        if role == "inference" and not host.engine:
            hint = "add 'engine: vllm', 'mlx', 'ollama' or 'llamacpp'"
            yield Problem(f"role inference needs an engine on {pattern}", mark, hint, len(role))
    wanted = serving.ENGINES.get(host.engine or "")
    if wanted and (wanted == "macOS") != host.macos:
        mark = place(document, ("hosts", pattern, "engine"))
        message = f"engine {host.engine} needs {wanted}, and {pattern} is {host.os}"
        yield Problem(message, mark, "", len(host.engine or ""))


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _jumps(document: Document, inventory: Inventory, pattern: str, host: Host) -> Iterator[Problem]:
    jump = host.ssh.jump
    if not jump:
        return
    mark = place(document, ("hosts", pattern, "ssh", "jump"))
    for part in jump.split(","):
        if part in inventory.hosts and inventory.hosts[part].connection == "local":
            message = f"'jump': {part} is this machine, so it is on the way already"
            yield Problem(message, mark, "", len(jump))
            return
        if part not in inventory.hosts and not DESTINATION.fullmatch(part):
            hint = "write it as [user@]host[:port]"
            yield Problem(f"'jump': '{part}' is no jump host", mark, hint, len(jump))
            return
    way = _way(inventory, pattern)
    if way[-1] in way[:-1] and way[-1] == pattern:
        message = f"jump hosts go in a circle: {' → '.join(way)}"
        yield Problem(message, mark, "", len(jump))


def _way(inventory: Inventory, start: str) -> list[str]:
    """The hosts of the inventory on the way to a host, until one comes a second time."""
    way = [start]
    while True:
        host = inventory.hosts.get(way[-1])
        following = host.ssh.jump.rpartition(",")[2] if host else ""
        if following not in inventory.hosts:
            return way
        way.append(following)
        if following in way[:-1]:
            return way


def _link(document: Document, name: str, link: Link, hosts: set[str]) -> Iterator[Problem]:
    path: Path = ("links", name, "ends")
    for host in link.ends:
        if host not in hosts:
            yield _no_host(host, hosts, f"link {name}", place(document, (*path, host), key=True))
    (_, one), (last, two) = link.ends.items()
    first, second = ipaddress.IPv4Interface(one.address), ipaddress.IPv4Interface(two.address)
    mark = place(document, (*path, last, "address"))
    if first.network != second.network:
        message = f"link {name}: {second} is not in the network {first.network} of its other end"
        yield Problem(message, mark, "", len(two.address))
    elif first.ip == second.ip:
        yield Problem(f"link {name}: both ends have {first.ip}", mark, "", len(two.address))


def _networks(document: Document, inventory: Inventory) -> Iterator[Problem]:
    """A host with two links in one network would not know which one to use."""
    seen: dict[tuple[str, str], str] = {}
    for name, link in inventory.links.items():
        for host, end in link.ends.items():
            network = str(ipaddress.IPv4Interface(end.address).network)
            other = seen.setdefault((host, network), name)
            if other != name:
                mark = place(document, ("links", name, "ends", host, "address"))
                message = f"link {name}: {host} is in {network} by link {other} already"
                yield Problem(
                    message, mark, "give each link a network of its own", len(end.address)
                )


def declared(
    document: Document, path: Path, resources: Resources, secrets: Collection[str]
) -> Iterator[Problem]:
    """What cannot be of the resources that stand at a place of a document."""
    for name, spec in resources.files.items():
        mark = place(document, (*path, "files", name), key=True)
        folder, _, file = name.rpartition("/")
        if folder == "/etc/sudoers.d" and set(file) & {".", "~"}:
            message = f"sudo skips {name}: it reads no file whose name has '.' or '~'"
            yield Problem(message, mark, "", len(name))
        given = sum(text is not None for text in (spec.content, spec.template, spec.secret))
        if given > 1 or (given == 0 and spec.ensure == "present"):
            message = f"{name} needs either 'content' or 'template', or 'secret'"
            yield Problem(message, mark, "not both" if given > 1 else "", len(name))
        if spec.secret:
            yield from _secret(document, (*path, "files", name), spec, secrets)


def _secret(
    document: Document, path: Path, spec: FileSpec, secrets: Collection[str]
) -> Iterator[Problem]:
    mark = place(document, (*path, "secret"))
    if spec.secret and spec.secret not in secrets:
        yield secrecy.unknown(str(path[-1]), spec.secret, secrets, mark)
    if not spec.mode.endswith("00"):
        message = f"{path[-1]} holds a secret, so only its owner may read it"
        hint = f"the mode is {spec.mode}: write mode: '0600'"
        yield Problem(message, mark, hint, len(spec.secret or ""))
