"""Models that a host serves: SIMULATED engines as real processes behind a SIMULATED front."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

from magnusctl.resources.release import Release
from tests.ports import free_port
from tests.shells.hosts import Host, Job
from tests.shells.running import wait_for

MODEL = "tiny"
ID = f"release:{MODEL}"
ENGINE = Path(__file__).with_name("simulated_engine.py")

_UNITS = f"""\
# SIMULATED: what systemd and launchd have in common below this root. Units run as real processes.
at=$MAGNUS_ROOT/.simulated
mkdir -p "$at/pids" "$at/enabled" "$at/disabled" "$at/logs"
pid_of() {{ cat "$at/pids/$1" 2>/dev/null; }}
alive() {{
  pid=$(pid_of "$1")
  [ -n "$pid" ] || return 1
  case $(sed 's/.*) \\(.\\).*/\\1/' "/proc/$pid/stat" 2>/dev/null) in '' | Z | X) return 1 ;; esac
}}
hold() {{ # VERB UNIT: write it down, and wait where a test wants that
  echo "$1 $2" >>"$at/verbs"
  n=0
  while [ -e "$at/hold.$1" ] && [ $n -lt 600 ]; do : >"$at/held.$1"; sleep 0.05; n=$((n + 1)); done
}}
begin() {{
  if alive "$1"; then return 0; fi
  if [ -e "$at/broken.$1" ]; then echo "SIMULATED: $1 cannot be executed" >&2; return 1; fi
  "{shutil.which("setsid")}" "{sys.executable}" -S -E "{ENGINE}" "$at/engines/$1.json" \\
    </dev/null >>"$at/logs/$1" 2>&1 &
  echo $! >"$at/pids/$1"
}}
finish() {{
  if alive "$1"; then
    kill "$pid"
    n=0
    while alive "$1" && [ $n -lt 200 ]; do sleep 0.02; n=$((n + 1)); done
  fi
  rm -f "$at/pids/$1"
}}
reload_front() {{
  [ ! -e "$at/front.broken" ] || return 1
  [ ! -e "$at/front.stuck" ] || return 0
  now=$MAGNUS_ROOT/etc/magnus/front/{MODEL}.upstream
  if [ ! -r "$now" ]; then
    rm -f "$at/front"
    return
  fi
  cp "$now" "$at/front.new" && mv "$at/front.new" "$at/front"
}}
"""
_SYSTEMCTL = """\
# SIMULATED: stands in for systemctl below a root; a unit is a process of an engine's script.
. "$MAGNUS_ROOT/.standins/simulated-units"
verb=$1 properties=
shift
while [ $# -gt 0 ]; do
  case $1 in
  -p) properties="$properties $(echo "$2" | tr ',' ' ')"; shift ;;
  --) shift; break ;;
  esac
  shift
done
for unit in "$@"; do
  case $verb:$unit in
  show:*)
    active=inactive sub=dead main=0 load=not-found result=success
    [ ! -e "$MAGNUS_ROOT/etc/systemd/system/$unit" ] || load=loaded
    if alive "$unit"; then
      active=active sub=running main=$pid
    elif [ -n "$(pid_of "$unit")" ]; then
      active=activating sub=auto-restart result=exit-code
    fi
    for one in $properties; do
      case $one in
      ActiveState) echo $active ;;
      SubState) echo $sub ;;
      MainPID) echo "$main" ;;
      LoadState) echo $load ;;
      Result) echo $result ;;
      ExecMainStatus) echo 3 ;;
      Conflicts) cat "$at/conflicts" 2>/dev/null || echo ;;
      *) echo ;;
      esac
    done
    ;;
  reload:magnus-front.service) hold reload front; reload_front || exit 1 ;;
  enable:*) echo "enable $unit" >>"$at/verbs"; : >"$at/enabled/$unit" ;;
  disable:*) rm -f "$at/enabled/$unit" ;;
  start:*) hold start "$unit"; begin "$unit" || exit 1 ;;
  stop:*) hold stop "$unit"; finish "$unit" ;;
  esac
done
"""
_LAUNCHCTL = """\
# SIMULATED: stands in for launchctl below a root; a job is a process of an engine's script.
. "$MAGNUS_ROOT/.standins/simulated-units"
label=${2##*/}
case $1 in
print)
  if alive "$label"; then
    printf 'system/%s = {\\n\\tstate = running\\n\\tpid = %s\\n}\\n' "$label" "$pid"
  elif [ -n "$(pid_of "$label")" ]; then
    printf 'system/%s = {\\n\\tstate = spawn scheduled\\n\\tlast exit code = 3\\n}\\n' "$label"
  else
    exit 113
  fi
  ;;
enable) echo "enable $label" >>"$at/verbs"; : >"$at/enabled/$label" ;;
disable) rm -f "$at/enabled/$label" ;;
bootstrap)
  base=${3##*/} label=${base%.plist}
  hold start "$label"
  # As launchd says it of a label that is disabled.
  [ -e "$at/enabled/$label" ] || { echo "Bootstrap failed: 5: Input/output error" >&2; exit 5; }
  begin "$label"
  ;;
bootout) hold stop "$label"; finish "$label" ;;
kill) hold reload front; reload_front ;;
esac
"""


class _Front(BaseHTTPRequestHandler):
    """SIMULATED: what nginx does with one request."""

    root: Path

    def do_GET(self) -> None:
        """Hand it on to whom the front knew at its last reload."""
        found = read_upstream(self.root / ".simulated/front")
        if found is None:
            self.send_error(503)
            return
        number, port = found
        request = urllib.request.Request(f"http://127.0.0.1:{port}{self.path}")
        if self.headers["Authorization"]:
            request.add_header("Authorization", self.headers["Authorization"])
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                body = answer.read()
        except OSError:
            self.send_error(502)
            return
        self.send_response(200)
        self.send_header("X-Magnus-Release", f"{MODEL} r{number}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Nothing."""


def read_upstream(path: Path) -> tuple[int, int] | None:
    """The release and the port in a file for nginx."""
    if not path.exists():
        return None
    words = path.read_text().replace(";", " ").split()
    return int(words[5].removeprefix("r")), int(words[2].rpartition(":")[2])


@dataclass
class Serving:
    """A host with releases of one model."""

    host: Host
    front: int
    mac: bool
    ports: dict[int, int] = field(default_factory=dict)

    def unit(self, number: int) -> str:
        """The unit of a release."""
        if self.mac:
            return f"net.magnus.release.{MODEL}.r{number}"
        return f"magnus-release-{MODEL}-r{number}.service"

    def at(self, name: str) -> Path:
        """A file of the simulation."""
        return self.host.path(f"/.simulated/{name}")

    def release(self, number: int, how: dict[str, object] | None = None, **script: Any) -> None:
        """Put a release there, with what its engine does."""
        port = self.ports[number] = script.setdefault("port", free_port())
        unit = self.unit(number)
        values: dict[str, object] = {
            "UNIT": unit,
            "PLIST": f"/Library/LaunchDaemons/{unit}.plist" if self.mac else "-",
            "PORT": port,
            "FRONT": f"127.0.0.1:{self.front}",
            "MODEL": MODEL,
            "KIND": "chat",
            "HEALTH": "/health",
            "KEY": "-",
            "MEMORY": "process",
            "RESIDENT": 0,
            "FLOOR": "0.00",
            "SECONDS": 20,
            "SPEAK": 5,
            "LOG": f"/.simulated/logs/{unit}" if self.mac else "-",
            **(how or {}),
        }
        text = "".join(f"{key}={value}\n" for key, value in values.items())
        self.host.write(f"/var/lib/magnus/models/{MODEL}/r{number}/how", text)
        order = json.dumps({"model": MODEL, **script})
        self.host.write(f"/.simulated/engines/{unit}.json", order)
        folder = "/Library/LaunchDaemons" if self.mac else "/etc/systemd/system"
        self.host.write(f"{folder}/{unit}{'.plist' if self.mac else ''}", "SIMULATED\n")

    def wanted(self, number: int, how: Literal["beside", "instead"] = "beside") -> Release:
        """That a release serves."""
        return Release(model=MODEL, number=number, switch=how, drain_s=3, seconds=50)

    def switch(self, number: int, how: Literal["beside", "instead"] = "beside") -> Job:
        """Make it serve."""
        return self.host.provision(self.wanted(number, how))

    def said(self, number: int) -> list[str]:
        """What the host kept of the switch to a release."""
        return self.kept(number, "said").splitlines()

    def kept(self, number: int, name: str) -> str:
        """A file that the host keeps of a release; empty where it is not there."""
        path = self.host.path(f"/var/lib/magnus/models/{MODEL}/r{number}/{name}")
        return path.read_text() if path.exists() else ""

    @property
    def verbs(self) -> list[str]:
        """What was done with units, as `start r1`."""
        if not self.at("verbs").exists():
            return []
        text = self.at("verbs").read_text()
        for number in self.ports:
            text = text.replace(self.unit(number), f"r{number}")
        return text.splitlines()

    @property
    def running(self) -> set[int]:
        """The releases whose process lives."""
        return {number for number in self.ports if _lives(self.pid(number))}

    def pid(self, number: int) -> int:
        """The process of a release, or 0."""
        path = self.at(f"pids/{self.unit(number)}")
        return int(path.read_text() or 0) if path.exists() else 0

    @property
    def stands(self) -> dict[str, object]:
        """All that a switch leaves: who is said to serve, who does, what runs now and at a boot."""
        folder = self.host.path(f"/var/lib/magnus/models/{MODEL}")
        files = {name: folder / name for name in ("serving", "switching", "down")}
        told = {k: v.read_text().strip() if v.exists() else "-" for k, v in files.items()}
        kept = read_upstream(self.host.path(f"/etc/magnus/front/{MODEL}.upstream"))
        assert kept is None or kept[1] == self.ports[kept[0]]
        boot = {n for n in self.ports if self.at(f"enabled/{self.unit(n)}").exists()}
        return {
            "serving": told["serving"],
            "cut": told["switching"],
            "down": told["down"] != "-",
            "upstream": kept[0] if kept else 0,
            "answers": self.answers(),
            "running": self.running,
            "boot": boot,
        }

    def answers(self) -> int:
        """The number of the release that clients reach, or 0."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.front}/v1/models")
        with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.headers["X-Magnus-Release"].removeprefix(f"{MODEL} r"))
        return 0

    def end(self) -> None:
        """Kill what still runs."""
        for path in self.at("pids").glob("*"):
            with contextlib.suppress(ProcessLookupError, ValueError):
                os.kill(int(path.read_text()), signal.SIGKILL)
        wait_for("the end of all engines", lambda: not self.running)


def served(number: int) -> dict[str, object]:
    """How a host stands where one release serves and all is at rest."""
    return {
        "serving": str(number),
        "cut": "-",
        "down": False,
        "upstream": number,
        "answers": number,
        "running": {number},
        "boot": {number},
    }


def _lives(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return bool(pid) and Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    return False


@contextlib.contextmanager
def serving(host: Host) -> Iterator[Serving]:
    """Give a host curl, a front, and a manager of units that starts engines."""
    mac = not host.path("/etc/os-release").exists()
    handler = type("Front", (_Front,), {"root": host.root})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    found = Serving(host, server.server_address[1], mac)
    host.standin("curl", f'exec {shutil.which("curl")} "$@"')
    host.standin("netstat" if mac else "ss", _real("netstat" if mac else "ss"))
    host.write("/.standins/simulated-units", _UNITS)
    host.standin(*("launchctl", _LAUNCHCTL) if mac else ("systemctl", _SYSTEMCTL))
    host.path("/etc/magnus/front").mkdir(parents=True)
    host.path("/.simulated").mkdir(exist_ok=True)
    try:
        yield found
    finally:
        found.end()
        server.shutdown()
        server.server_close()


def _real(program: str) -> str:
    path = shutil.which(program)
    return f'exec {path} "$@"' if path else "exit 1"
