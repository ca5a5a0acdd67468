"""Stand-ins for what no test can have: a graphics card's driver, and servers of models.

SIMULATED, and each says so in its name or version; what magnusctl does with them is real.
"""

from __future__ import annotations

import base64
import hashlib
import io
import subprocess
import tarfile
import zipfile
from pathlib import Path

from tests.faults.debs import Deb

DRIVER = "580.65.06-simulated"
MODULES = "linux-modules-nvidia-simulated"
UTILS = "nvidia-utils-simulated"
_SMI = f"""\
#!/bin/sh
# SIMULATED
[ -e /sys/module/nvidia/version ] || {{ echo "NVIDIA-SMI has failed (simulated)"; exit 9; }}
case $1 in
-pl) echo "$2" >/run/simulated-watts ;;
--query-gpu=driver_version) echo {DRIVER} ;;
-q)
  watts=$(cat /run/simulated-watts)
  cat <<X
<?xml version="1.0" ?>
<nvidia_smi_log><driver_version>{DRIVER}</driver_version><cuda_version>13.0</cuda_version><attached_gpus>1</attached_gpus>
<gpu id="SIMULATED"><product_name>NVIDIA GeForce RTX 4090</product_name>
<persistence_mode>Enabled</persistence_mode>
<pci><pci_gpu_link_info><pcie_gen><max_link_gen>4</max_link_gen><current_link_gen>1</current_link_gen>
</pcie_gen><link_widths><max_link_width>16x</max_link_width>
<current_link_width>16x</current_link_width></link_widths></pci_gpu_link_info></pci>
<fb_memory_usage><total>24564 MiB</total><used>0 MiB</used></fb_memory_usage>
<clocks_event_reasons><clocks_event_reason_gpu_idle>Active</clocks_event_reason_gpu_idle>
</clocks_event_reasons><temperature><gpu_temp>40 C</gpu_temp></temperature>
<gpu_power_readings><current_power_limit>$watts W</current_power_limit></gpu_power_readings>
</gpu></nvidia_smi_log>
X
  ;;
esac
"""
_PERSISTENCED = """\
#!/bin/sh
# SIMULATED
exec sleep infinity
"""
_MODINFO = f"""\
#!/bin/sh
# SIMULATED
case "$*" in "-F version nvidia") echo {DRIVER} ;; *) exec /sbin/modinfo "$@" ;; esac
"""
# A container may not write below /sys, and this kernel may have no modules at all: so /sys becomes
# a tree with all that was there, and with the module. One mount, for systemd lives below it.
_LOADED = f"""\
#!/bin/sh -e
# SIMULATED
mkdir /run/sys-simulated
mount -t tmpfs simulated /run/sys-simulated
cd /run/sys-simulated
for d in /sys/*; do
  mkdir "${{d##*/}}"
  [ "$d" = /sys/module ] || mount --rbind "$d" "${{d##*/}}"
done
mkdir -p module/nvidia
echo {DRIVER} >module/nvidia/version
mount --rbind /run/sys-simulated /sys
# By a /sys that can be written networkd takes it that udev is here, and waits for it.
mount -o remount,bind,ro /sys
"""
_MODULE = """\
[Unit]
Description=SIMULATED: the module of a driver, loaded at boot
DefaultDependencies=no
Before=sysinit.target systemd-networkd.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nvidia-module-simulated
[Install]
WantedBy=sysinit.target
"""
_UNIT = """\
[Unit]
Description=SIMULATED: NVIDIA Persistence Daemon
[Service]
ExecStart=/usr/bin/nvidia-persistenced --user nvidia-persistenced --no-persistence-mode
[Install]
WantedBy=multi-user.target
"""
_POST = "#!/bin/sh\nset -e\nchmod 755 {}\n"


def driver(card: str = "NVIDIA GeForce RTX 4090") -> tuple[Deb, ...]:
    """A driver in two packages: one that a boot makes true, and one with its programs."""
    modinfo, initramfs = "/usr/local/sbin/modinfo", "/usr/sbin/update-initramfs"
    loaded = "/usr/sbin/nvidia-module-simulated"
    modules = Deb(
        MODULES,
        "6.1.0-simulated",
        files={
            "/lib/systemd/system/nvidia-module-simulated.service": _MODULE,
            modinfo: _MODINFO,
            loaded: _LOADED,
            initramfs: '#!/bin/sh\n# SIMULATED\necho "$*" >>/var/log/initramfs-simulated\n',
        },
        scripts={
            "postinst": _POST.format(f"{modinfo} {initramfs} {loaded}")
            + "systemctl enable nvidia-module-simulated.service\n"
        },
    )
    programs = "/usr/bin/nvidia-smi", "/usr/bin/nvidia-persistenced", "/usr/bin/nvidia-modprobe"
    utils = Deb(
        UTILS,
        DRIVER,
        files={
            programs[0]: _SMI.replace("NVIDIA GeForce RTX 4090", card),
            programs[1]: _PERSISTENCED,
            programs[2]: "#!/bin/sh\n# SIMULATED\n",
            "/lib/systemd/system/nvidia-persistenced.service": _UNIT,
        },
        scripts={"postinst": _POST.format(" ".join(programs))},
    )
    return modules, utils


_SERVER = """\
#!/usr/bin/python3
# SIMULATED: stands in for {what}.
import http.server, json, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        key = os.environ.get("VLLM_API_KEY", "")
        open_to_all = not self.path.startswith("/v1/")
        if key and not open_to_all and self.headers.get("Authorization") != "Bearer " + key:
            return self.say(401, {{"error": "simulated: no key"}})
        self.say(200, {{"version": "{version}", "data": [{{"id": "simulated"}}], "models": []}})

    def say(self, code, answer):
        data = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *words):
        pass

def serve(host, port):
    http.server.ThreadingHTTPServer((host, int(port)), Handler).serve_forever()
"""
_OLLAMA = '\nif sys.argv[1:] == ["serve"]:\n    serve(*os.environ["OLLAMA_HOST"].split(":"))\n'
_VLLM = """
def main():
    verb, option, path = sys.argv[1:]
    assert (verb, option) == ("serve", "--config"), sys.argv
    pairs = (line.split(": ", 1) for line in open(path) if ": " in line and line[0] != "#")
    wanted = {key: value.strip().strip('"') for key, value in pairs}
    assert os.path.isdir(wanted["model"]), wanted["model"]
    serve(wanted["host"], wanted["port"])
"""


def ollama(path: Path) -> None:
    """Write an archive of Ollama, as its makers pack it: `bin/ollama` in a .tar.zst."""
    _packed(path, _SERVER.format(what="Ollama", version="0.0.0-simulated") + _OLLAMA)


def _packed(path: Path, text: str) -> None:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as packed:
        entry = tarfile.TarInfo("bin/ollama")
        entry.size, entry.mode = len(text.encode()), 0o755
        packed.addfile(entry, io.BytesIO(text.encode()))
    done = subprocess.run(
        ["zstd", "-qc"], input=held.getvalue(), capture_output=True, timeout=30, check=True
    )
    path.write_bytes(done.stdout)


_OLLAMA_SPEAKS = """\
#!/usr/bin/python3
# SIMULATED: stands in for Ollama. It keeps names, and answers with what a name was made of.
import http.server, json, os, sys, urllib.request

NAMES, LOADED, SIZE = {}, set(), "/run/ollama-simulated-size"

def told(verb, words):
    if verb == "pull":
        NAMES[words[0]] = "pulled"
    elif verb == "show":
        return words[0] in NAMES or words[0] + ":latest" in NAMES
    elif verb == "create":
        lines = words[1].splitlines()
        if lines[0].split()[1] not in NAMES:
            return False
        NAMES[words[0]] = words[1]
    elif verb == "cp":
        NAMES[words[1] + ":latest"] = NAMES[words[0]]
    elif verb in ("stop", "rm"):
        LOADED.discard(words[0])
        if verb == "rm":
            return NAMES.pop(words[0], NAMES.pop(words[0] + ":latest", None)) is not None
    return True

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        size = int(open(SIZE).read()) if os.path.exists(SIZE) else 4 << 30
        told = {"details": {"family": "llama"}, "size": size, "size_vram": 0}
        known = [{"name": name, **told} for name in sorted(LOADED)]
        listed = [{"id": name, "object": "model"} for name in NAMES]
        answers = {"/api/version": {"version": "0.0.0-simulated"}, "/api/ps": {"models": known}}
        self.say(200, answers.get(self.path, {"object": "list", "data": listed}))

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/simulated":
            return self.say(200 if told(asked[0], asked[1:]) else 404, {})
        name = asked["model"] if asked["model"] in NAMES else asked["model"] + ":latest"
        if name not in NAMES:
            return self.say(404, {"error": {"message": "simulated: no such model"}})
        LOADED.add(name)
        usage = {"completion_tokens": asked["max_tokens"]}
        choice = {"text": NAMES[name], "finish_reason": "length"}
        self.say(200, {"choices": [choice], "usage": usage})

    def say(self, code, answer):
        data = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *words):
        pass

host = os.environ["OLLAMA_HOST"]
if sys.argv[1:] == ["serve"]:
    address, port = host.split(":")
    http.server.ThreadingHTTPServer((address, int(port)), Handler).serve_forever()
words = sys.argv[1:]
if words[0] == "create":
    words = [words[0], words[1], open(words[3]).read()]
request = urllib.request.Request(f"http://{host}/simulated", json.dumps(words).encode())
try:
    urllib.request.urlopen(request, timeout=10)
except OSError as error:
    sys.exit(f"Error: simulated: {error}")
"""


def ollama_that_speaks(path: Path) -> None:
    """An archive of one that also keeps models by name; its names are gone when it ends."""
    _packed(path, _OLLAMA_SPEAKS)


def wheel(folder: Path, version: str) -> Path:
    """Write a wheel that is called vllm, with a program of that name."""
    text = _SERVER.format(what="vLLM", version=version) + _VLLM
    return _wheel(folder, "vllm", version, text, "[console_scripts]\nvllm = vllm:main\n")


def torch(folder: Path, version: str) -> Path:
    """Write a wheel that is called torch, and says that it sees a card."""
    text = f"# SIMULATED\n__version__ = '{version}'\n"
    text += "class cuda:\n    is_available = staticmethod(lambda: True)\n"
    return _wheel(folder, "torch", version, text, "")


def _wheel(folder: Path, name: str, version: str, text: str, programs: str) -> Path:
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": text,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: a test\n"
        "Root-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": programs,
    }
    record = "".join(
        f"{inside},sha256={_hash(t)},{len(t.encode())}\n" for inside, t in files.items()
    )
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as packed:
        for inside, content in files.items():
            packed.writestr(zipfile.ZipInfo(inside), content)
    return path


def _hash(text: str) -> str:
    made = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
    return made.rstrip(b"=").decode()


def lock(made: Path, version: str) -> str:
    """A lock that names a wheel by its hash."""
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    return f"{made.name.partition('-')[0]}=={version} \\\n    --hash=sha256:{digest}\n"


def uv(path: Path, program: Path) -> None:
    """Write what a wheel of uv holds, from a program that is here."""
    entry = zipfile.ZipInfo("uv-0.13.8.data/scripts/uv")
    entry.external_attr = 0o100755 << 16
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(entry, program.read_bytes())


ENGINE = """\
#!/bin/sh
# SIMULATED: stands in for the trading engine.
case $1 in --check-config) exit 0 ;; esac
exec sleep infinity
"""
