"""What an inventory says of models and engines, and what of it cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from magnusctl.inventory import budgets, secrecy
from magnusctl.inventory.findings import nearest
from magnusctl.inventory.load import Problem, place
from magnusctl.inventory.marks import Document
from magnusctl.inventory.model import Inventory
from magnusctl.inventory.models import Served
from magnusctl.inventory.ranges import expand
from magnusctl.inventory.select import expand_ranges, variables_of

ENGINES = {"vllm": "Linux", "mlx": "macOS"}
LOOPBACK = "loopback"


def problems(document: Document, inventory: Inventory) -> Iterator[Problem]:
    """Models that no host can serve, and hosts that would listen where they have no address."""
    whole = expand_ranges(inventory)
    pattern_of = {name: p for p in inventory.hosts for name, _ in expand(p)}
    missing = False
    for name, served in whole.models.items():
        found = list(_of_model(document, whole, name, served))
        missing = missing or bool(found)
        yield from found
    for name in () if missing else whole.hosts:
        yield from _of_host(document, whole, name, pattern_of[name])


def _of_model(
    document: Document, inventory: Inventory, name: str, served: Served
) -> Iterator[Problem]:
    host = inventory.hosts.get(served.host)
    mark = place(document, ("models", name, "host"))
    width = len(served.host)
    if host is None:
        hint = nearest(served.host, inventory.hosts) or f"hosts: {', '.join(inventory.hosts)}"
        message = f"model {name} names the host '{served.host}', which does not exist"
        yield Problem(message, mark, hint, width)
        return
    if "inference" not in host.roles:
        hint = f"add the role inference to {served.host}"
        yield Problem(f"model {name}: {served.host} serves nothing", mark, hint, width)
    engine = served.engine or host.engine
    wanted = ENGINES.get(engine or "")
    if wanted and (wanted == "macOS") != host.macos:
        message = f"model {name}: engine {engine} needs {wanted}, and {served.host} is {host.os}"
        yield Problem(message, mark, "", width)


def _of_host(
    document: Document, inventory: Inventory, name: str, pattern: str
) -> Iterator[Problem]:
    variables = variables_of(inventory, name)
    inference = variables.inference
    mark = place(document, ("hosts", pattern), key=True)
    if "inference" not in inventory.hosts[name].roles:
        return
    links = {LOOPBACK, *(link for link, _ in inventory.links_of(name))}
    if inference.listen not in links:
        message = f"'listen': {name} is on no link '{inference.listen}'"
        hint = nearest(inference.listen, links) or f"one of: {', '.join(sorted(links))}"
        yield Problem(message, mark, hint, len(pattern))
    if inference.api_key and inference.api_key not in inventory.secrets:
        yield secrecy.unknown(f"host {name}", inference.api_key, inventory.secrets, mark)
    models = budgets.models_of(inventory, name)
    yield from _same_port(document, name, models)
    for over in budgets.over(inventory, name, variables):
        place_of = place(document, ("models", over.models[-1]), key=True)
        yield Problem(over.message, place_of, over.hint, len(over.models[-1]))


def _same_port(document: Document, host: str, models: Mapping[str, Served]) -> Iterator[Problem]:
    """Ollama serves all of its models behind one port; every other engine has one for each."""
    taken: dict[int, str] = {}
    for name, served in models.items():
        if served.port is None or served.engine == "ollama":
            continue
        other = taken.setdefault(served.port, name)
        if other != name:
            message = f"models {other} and {name} of {host} have the same port {served.port}"
            yield Problem(message, place(document, ("models", name, "port")), "", 4)


def warnings(inventory: Inventory) -> Iterator[str]:
    """Engines that anybody on a link can use."""
    for name, host in inventory.hosts.items():
        if "inference" not in host.roles:
            continue
        inference = variables_of(inventory, name).inference
        engines = {"vllm", "llamacpp"} & set(budgets.engines_of(inventory, name))
        if not variables_of(inventory, name).base.firewall.enabled:
            engines = {*budgets.engines_of(inventory, name)}
        if engines and inference.listen != LOOPBACK and not inference.api_key:
            yield (
                f"{', '.join(sorted(engines))} on {name} listens on link {inference.listen} without"
                " 'api_key': whoever the firewall lets in there can use it"
            )
