"""What an inventory says of models and engines, and what of it cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from magnusctl.inventory import budgets, secrecy
from magnusctl.inventory.findings import nearest
from magnusctl.inventory.load import Problem, place
from magnusctl.inventory.marks import Document, Mark
from magnusctl.inventory.model import Inventory
from magnusctl.inventory.models import Served
from magnusctl.inventory.ranges import cpus_in, expand
from magnusctl.inventory.select import expand_ranges, variables_of

ENGINES = {"vllm": "Linux", "mlx": "macOS"}
LOOPBACK = "loopback"
PORTS: Mapping[str, int] = {"vllm": 8000, "mlx": 8081, "ollama": 11434, "llamacpp": 9931}
"""Of each engine; a second model of one has the next port. llama-server's own default moved."""


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
    for name in whole.hosts:
        yield from _of_cpus(document, whole, name, pattern_of[name])


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
    yield from _of_file(document, name, served, engine or "")
    wanted = ENGINES.get(engine or "")
    if wanted and (wanted == "macOS") != host.macos:
        message = f"model {name}: engine {engine} needs {wanted}, and {served.host} is {host.os}"
        yield Problem(message, mark, "", width)


def _of_file(document: Document, name: str, served: Served, engine: str) -> Iterator[Problem]:
    mark, width = place(document, ("models", name, "model")), len(served.model)
    if engine != "ollama" and ":" in served.model:
        hint = "a tag with ':' is Ollama's: for others it is a folder, or a file of gguf"
        yield Problem(f"model {name}: {engine} knows no tags", mark, hint, width)
    if engine == "llamacpp" and not served.model.endswith(".gguf"):
        hint = "the file as it lies below the models' folder gguf"
        yield Problem(f"model {name}: llama.cpp serves a file .gguf", mark, hint, width)


def _of_cpus(
    document: Document, inventory: Inventory, name: str, pattern: str
) -> Iterator[Problem]:
    """CPUs of a host that trades: each is isolated or for housekeeping, and is there."""
    host, trading = inventory.hosts[name], variables_of(inventory, name).trading
    if "trading" not in host.roles:
        return
    isolated, others = cpus_in(trading.isolated_cpus), cpus_in(trading.housekeeping_cpus)
    mark = place(document, ("hosts", pattern), key=True)
    both = sorted(isolated & others)
    if both:
        message = f"CPU {both[0]} of {name} is both isolated and for housekeeping"
        yield Problem(message, mark, "", len(pattern))
    last = max(isolated | others)
    if host.hardware.cores and last >= host.hardware.cores:
        message = f"{name} has no CPU {last}: its {host.hardware.cores} are numbered from 0"
        yield Problem(message, mark, "", len(pattern))


def _of_host(
    document: Document, inventory: Inventory, name: str, pattern: str
) -> Iterator[Problem]:
    variables = variables_of(inventory, name)
    inference = variables.inference
    of_value = _where(document, pattern)
    if "inference" not in inventory.hosts[name].roles:
        return
    links = {LOOPBACK, *(link for link, _ in inventory.links_of(name))}
    if inference.listen not in links:
        message = f"'listen': {name} is on no link '{inference.listen}'"
        hint = nearest(inference.listen, links) or f"one of: {', '.join(sorted(links))}; never all"
        yield Problem(message, of_value("listen"), hint, len(inference.listen))
    for key, secret in (("api_key", inference.api_key), ("hub_token", inference.hub_token)):
        if secret and secret not in inventory.secrets:
            yield secrecy.unknown(f"host {name}", secret, inventory.secrets, of_value(key))
    models = budgets.models_of(inventory, name)
    yield from _same_port(document, name, models)
    for over in budgets.over(inventory, name, variables):
        place_of = place(document, ("models", over.models[-1]), key=True)
        yield Problem(over.message, place_of, over.hint, len(over.models[-1]))


def _where(document: Document, pattern: str) -> Callable[[str], Mark]:
    """Where a value of `inference` stands: in the host, or in what is for all; else the host."""

    def of_value(key: str) -> Mark:
        tail = ("variables", "inference", key)
        for path in (("hosts", pattern, *tail), tail):
            data: object = document.data
            for part in path:
                data = data.get(part) if isinstance(data, dict) else None
            if data is not None:
                return place(document, path)
        return place(document, ("hosts", pattern), key=True)

    return of_value


def shared_port(models: Mapping[str, Served]) -> int:
    """The one port of Ollama on a host: that of the first of its models that names one."""
    named = (served.port for served in models.values() if served.engine == "ollama" and served.port)
    return next(named, PORTS["ollama"])


def _same_port(document: Document, host: str, models: Mapping[str, Served]) -> Iterator[Problem]:
    """Ollama serves all of its models behind one port; every other engine has one for each."""
    ollama = {name: served for name, served in models.items() if served.engine == "ollama"}
    first = next((name for name, served in ollama.items() if served.port), next(iter(ollama), ""))
    shared = shared_port(models)
    taken = {shared: first} if ollama else {}
    for name, served in models.items():
        if served.port is None:
            continue
        if name in ollama:
            if served.port != shared:
                message = f"models {first} and {name} of {host}: Ollama has one port for all"
                yield Problem(message, place(document, ("models", name, "port")), "", 4)
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
        every = set(budgets.engines_of(inventory, name))
        closed = "base" in host.roles and variables_of(inventory, name).base.firewall.enabled
        keyed = {"vllm", "llamacpp"} & every
        where = f"listens on link {inference.listen}"
        if inference.listen == LOOPBACK:
            pass
        elif not closed:
            open_to = "and no firewall of the role base is there: whoever reaches it can use it"
            yield f"{', '.join(sorted(every))} on {name} {where}, {open_to}"
        elif keyed and not inference.api_key:
            let_in = "whoever the firewall lets in there can use it"
            yield f"{', '.join(sorted(keyed))} on {name} {where} without 'api_key': {let_in}"
        if inference.api_key and not keyed:
            yield f"'api_key' of {name} does nothing: {', '.join(sorted(every))} knows no keys"
        yield from _of_ollama(inventory, name)


def _of_ollama(inventory: Inventory, name: str) -> Iterator[str]:
    """Ollama has one bound for all of its models."""
    most = variables_of(inventory, name).inference.ollama.context_tokens
    for model, served in budgets.models_of(inventory, name).items():
        if served.engine == "ollama" and served.context > most:
            told = (
                f"model {model} wants a context of {served.context}, and Ollama on {name} is told"
            )
            yield f"{told} {most}: raise inference: ollama: context_tokens"
