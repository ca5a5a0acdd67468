"""A real host that serves models, with a real engine of the heavy kind, through magnusctl."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.real import Ran, Real, declare, reachable
from tests.lab.host import Host
from tests.lab.lab import Lab, lab
from tests.lab.system import command

NAME, MODEL = "server", "tiny"
PYTHON = "/usr/bin/python3"
SECRET = "MAGNUS_LAB_KEY"


@dataclass(frozen=True)
class Site:
    """The host, and who deploys to it."""

    lab: Lab
    real: Real
    key: str = ""
    """Of the engine, for clients."""

    @property
    def host(self) -> Host:
        return self.lab.hosts[NAME]

    @property
    def models(self) -> Path:
        """A folder on the control side for models that are not deployed yet."""
        return self.lab.workdir / "models"

    def ends(self, code: int, *words: str, seconds: float = 240) -> Ran:
        """Run magnusctl, which is to end so."""
        ran = self.real.run(*words, seconds=seconds, **{SECRET: self.key})
        assert ran.code == code, f"{ran.said}\n{self._last_words()}"
        return ran

    def deploy(self, code: int, folder: Path, *words: str, seconds: float = 240) -> str:
        """Deploy a model under the name of its folder; what was said, in one line."""
        where = ("--on", NAME, "--force", "--yes")
        ran = self.ends(code, "deploy-model", str(folder), *where, *words, seconds=seconds)
        return " ".join(ran.said.split())

    def served(self, model: str = MODEL) -> dict[str, dict[str, Any]]:
        """The releases of a model by their names, as magnusctl lists them."""
        lines = self.ends(0, "models", "show", model, "--json").stdout.splitlines()
        found = [json.loads(line) for line in lines]
        return {one["release"]: one for one in found if "release" in one}

    def serving(self, model: str = MODEL) -> str:
        """Which release clients reach, as the front itself says; `none` where none is."""
        url = f"http://{self.front(model)}/v1/models"
        words = f"curl -s -m 10 {self._shown()} -o /dev/null -D - {url} | tr -d '\\r'"
        lines = self.host.run(words).stdout.splitlines()
        own = [line for line in lines if line.lower().startswith("x-magnus-release: ")]
        return own[0].split()[-1] if own else "none"

    def front(self, model: str = MODEL) -> str:
        """The address that clients know."""
        return str(next(iter(self.served(model).values()))["front"])

    def asked(
        self, front: str, path: str, key: str = "", **body: Any
    ) -> tuple[int, dict[str, Any]]:
        """What clients are answered there: the code and the object."""
        data = f"-H 'Content-Type: application/json' -d '{json.dumps(body)}'" if body else ""
        options = f"-s -m 60 -w '\\n%{{http_code}}' {self._shown(key)}"
        words = f"curl {options} {data} http://{front}{path}"
        text, _, code = self.host.run(words).stdout.rpartition("\n")
        return int(code), json.loads(text or "{}")

    @contextlib.contextmanager
    def watched(self, front: str) -> Iterator[list[tuple[float, int]]]:
        """What a client is told that asks all the time: when, and the code; filled in the end."""
        found: list[tuple[float, int]] = []
        body = json.dumps({"model": MODEL, "prompt": "word1", "max_tokens": 4})
        data = f"-H 'Content-Type: application/json' -d '{body}'"
        options = f"-s -m 30 {self._shown()} {data} -o /dev/null -w '%{{http_code}}'"
        asks = f'echo "$(date +%s.%N) $(curl {options} http://{front}/v1/completions)"'
        script = f"for n in $(seq 3000); do {asks}; sleep 0.1; done\n"
        (self.host.rootfs / "root/watch.sh").write_text(script)
        started = "setsid sh watch.sh >watched 2>/dev/null </dev/null & echo $!"
        pid = self.host.run(f"cd /root && {{ {started}; }}").stdout.strip()
        try:
            yield found
        finally:
            lines = self.host.run(f"kill -TERM -{pid}; cat /root/watched").stdout.splitlines()
            pairs = [line.split() for line in lines]
            found += [(float(pair[0]), int(pair[1])) for pair in pairs if len(pair) == 2]

    def pid(self, release: str, model: str = MODEL) -> int:
        """The main process of a release; 0 while it has none."""
        unit = f"magnus-release-{model}-{release}.service"
        return int(self.host.run(f"systemctl show -p MainPID --value {unit}").stdout or 0)

    def killed(self, release: str) -> None:
        """Kill its engine as the kernel would, and wait until another one answers."""
        old, front = self.pid(release), self.front()
        self.host.run(f"kill -9 {old}")
        assert self.asked(front, "/v1/models")[0] == 503
        for _ in range(300):
            code, _ = self.asked(front, "/v1/models")
            if code == 200 and self.pid(release) not in (0, old):
                return
            time.sleep(0.5)
        raise AssertionError(f"{release} does not come back: {self._last_words()}")

    def _shown(self, key: str = "") -> str:
        return f"-H 'Authorization: Bearer {key or self.key}'" if self.key else ""

    def _last_words(self) -> str:
        words = "journalctl -q --no-pager -n 60 -o cat -u 'magnus-release-*' -u magnus-front"
        return self.host.run(words, check=False).stdout


@contextlib.contextmanager
def host() -> Iterator[Lab]:
    """A lab with the one host."""
    with lab((NAME,)) as running:
        reachable(running, NAME, 30)
        yield running


def site(running: Lab, engine: str, key: str = "", **inference: Any) -> Site:
    """What is declared for the host; nothing is provisioned yet."""
    disk = {"name": "disk", "size": "100GB", "purpose": "boot"}
    hardware = {"cpu": "simulated", "cores": 2, "memory": "8GiB", "disks": [disk]}
    own = {"listen": "loopback", "reserve": {"memory": "1GiB", "cores": 1}, **inference}
    settings = {
        "roles": ["storage", "inference"],
        "engine": engine,
        "hardware": hardware,
        "variables": {"inference": own},
    }
    secrets = {}
    if key:
        own["api_key"] = "engine"
        secrets["engine"] = {"env": SECRET}
    real = declare(running, {NAME: settings}, cluster="lab", secrets=secrets)
    return Site(running, real, key)


def put(environment: Path, host: Host, name: str, *scripts: str) -> None:
    """Copy an environment to where the roles have it, as if it had been made on the host: its
    Python is the host's own, and so is that of these scripts of it."""
    where = f"/opt/magnus/venvs/{name}"
    target = host.rootfs / where.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    command("cp", "-a", environment, target)
    for link in ("python", "python3", "python3.11"):
        (target / "bin" / link).unlink(missing_ok=True)
        (target / "bin" / link).symlink_to(PYTHON)
    configuration = target / "pyvenv.cfg"
    lines = configuration.read_text().splitlines()
    kept = [line for line in lines if not line.startswith("home")]
    configuration.write_text("\n".join([f"home = {Path(PYTHON).parent}", *kept]) + "\n")
    for script in scripts:
        file = target / "bin" / script
        _, _, rest = file.read_text().partition("\n")
        file.write_text(f"#!{where}/bin/python\n{rest}")
    host.run(f"chown -R root:root {where}")
