"""The lab's hosts for pyinfra: the file that MAGNUS_BENCH_HOSTS names says where they are."""

import json
import os
from pathlib import Path

_GROUP = {
    "site": "lab",
    "listen": 7400,
    "workers": 4,
    "queue": 4096,
    "log_level": "info",
    "keep_days": 14,
    "agent_seconds": 15,
    "open_files": 65536,
}
_OWN = {
    "b1": {"node": "b1", "zone": "east", "weight": 10},
    "b2": {"node": "b2", "zone": "east", "weight": 20},
    "b3": {"node": "b3", "zone": "west", "weight": 10},
    "b4": {"node": "b4", "zone": "west", "weight": 40},
}
_lab = json.loads(Path(os.environ["MAGNUS_BENCH_HOSTS"]).read_text())

relay = [
    (
        name,
        {
            "ssh_hostname": address,
            "ssh_user": _lab["user"],
            "ssh_key": _lab["key"],
            "ssh_known_hosts_file": _lab["known_hosts"],
            "ssh_strict_host_key_checking": "yes",
            "ssh_allow_agent": False,
            "ssh_look_for_keys": False,
            "relay": {**_GROUP, **_OWN[name]},
        },
    )
    for name, address in _lab["hosts"].items()
]
