"""For each role the three facts that are missed most often, as the platform guide has them."""

from __future__ import annotations

import plistlib
from pathlib import Path
from typing import Any

import pytest

from magnusctl.errors import InputError
from magnusctl.resources.file import File
from magnusctl.resources.launchd import Launchd
from magnusctl.resources.package import Package
from magnusctl.resources.reboot import Reboot
from magnusctl.resources.service import Service
from magnusctl.state import Risk
from tests.roles.hosts import Resources, declared, lines, of_example, text

LLM = "/etc/systemd/system/magnus-vllm@.service"


@pytest.fixture(scope="module")
def rtx() -> Resources:
    return of_example("magnus", "rtx3090")


@pytest.fixture(scope="module")
def mini() -> Resources:
    return of_example("magnus", "macmini")


@pytest.fixture(scope="module")
def linode() -> Resources:
    return of_example("magnus", "linode")


# base


def test_base_sshd_is_first_among_its_drop_ins_because_the_first_value_wins(
    rtx: Resources, mini: Resources
) -> None:
    assert "/etc/ssh/sshd_config.d/10-magnus.conf" < "/etc/ssh/sshd_config.d/50-cloud-init.conf"
    assert "file:/etc/ssh/sshd_config.d/10-magnus.conf" in rtx
    assert "file:/etc/ssh/sshd_config.d/050-magnus.conf" in mini  # before Apple's 100-macos.conf


def test_base_upgrades_never_touch_the_driver_or_the_kernel_and_clear_the_vendors_lists(
    rtx: Resources,
) -> None:
    said = text(rtx, "/etc/apt/apt.conf.d/52magnus-unattended")
    assert '"nvidia-";' in said
    assert '"linux-(image|headers|modules|generic)";' in said
    assert said.index("#clear Unattended-Upgrade::Package-Blacklist;") < said.index('"nvidia-";')
    assert 'Automatic-Reboot "false"' in said


def test_base_the_firewall_is_a_table_of_its_own_and_its_unit_does_not_flush(
    rtx: Resources,
) -> None:
    rules = "\n".join(lines(rtx, "/etc/nftables.d/magnus.nft"))
    assert "flush ruleset" not in rules
    assert rules.startswith("table inet magnus\ndelete table inet magnus\n")
    assert "destination-unreachable" in rules  # else a jumbo link loses large packets
    unit = lines(rtx, "/etc/systemd/system/magnus-nftables.service")
    assert "ExecStop=-/usr/sbin/nft delete table inet magnus" in unit
    assert "After=nftables.service" in unit  # which flushes all rules when it starts
    assert rtx["service:magnus-nftables"].risk is Risk.CONNECTIVITY


def test_base_a_mac_never_sleeps_and_comes_back(mini: Resources) -> None:
    settings = {i.partition(":")[2]: r.state()["value"] for i, r in mini.items() if "pmset:" in i}
    assert settings["sleep"] == "0"
    assert settings["autorestart"] == "1"
    assert "command:restart after a freeze" in mini


# network


def test_network_an_address_stays_when_the_other_end_reboots(rtx: Resources) -> None:
    assert "ignore-carrier: true" in lines(rtx, "/etc/netplan/60-magnus-10g.yaml")


def test_network_a_card_is_known_by_its_address_and_its_file_is_private(rtx: Resources) -> None:
    said = lines(rtx, "/etc/netplan/60-magnus-10g.yaml")
    assert any(line.startswith("match: {macaddress:") for line in said)
    assert not any("gateway" in line for line in said)
    assert rtx["file:/etc/netplan/60-magnus-10g.yaml"].state()["mode"] == "0600"


def test_network_cloud_init_does_not_write_it_again_at_boot(rtx: Resources) -> None:
    said = text(rtx, "/etc/cloud/cloud.cfg.d/99-magnus-network.cfg")
    assert "network: {config: disabled}" in said
    assert "manage_etc_hosts: false" in said


# storage


def test_storage_a_dead_disk_does_not_stop_the_boot(rtx: Resources) -> None:
    unit = lines(rtx, "/etc/systemd/system/srv-models.mount")
    assert "WantedBy=multi-user.target" in unit  # and nothing of the boot requires it
    assert "What=/dev/disk/by-label/models" in unit
    assert "block:/etc/fstab" not in rtx


def test_storage_nothing_is_written_where_the_disk_is_not(rtx: Resources) -> None:
    folders = [r for i, r in rtx.items() if i.startswith("directory:/srv/models/")]
    assert folders
    assert all("service:srv-models.mount" in folder.after for folder in folders)
    assert "command:model disk /dev/disk/by-label/models" in rtx["service:srv-models.mount"].after


def test_storage_mlx_finds_the_folder_that_its_list_of_models_needs(mini: Resources) -> None:
    assert "directory:/var/magnus/hf/hub" in mini


# cuda


def test_cuda_the_driver_is_ubuntus_signed_and_held_with_its_kernel(rtx: Resources) -> None:
    held = [r.package for r in rtx.values() if isinstance(r, Package) and r.hold]
    assert "linux-modules-nvidia-580-server-open-generic" in held
    assert "linux-image-generic" in held
    pin = text(rtx, "/etc/apt/preferences.d/magnus-nvidia")
    assert "Pin: release o=NVIDIA\nPin-Priority: -1" in pin


def test_cuda_the_toolkit_brings_no_driver(rtx: Resources) -> None:
    packages = {r.package for r in rtx.values() if isinstance(r, Package)}
    assert "cuda-toolkit-12-6" in packages
    assert not packages & {"cuda", "cuda-12-6", "cuda-drivers"}


def test_cuda_persistence_is_on_although_ubuntu_starts_it_off(rtx: Resources) -> None:
    folder = "/etc/systemd/system/nvidia-persistenced.service.d"
    said = lines(rtx, f"{folder}/10-magnus.conf")
    assert said[1] == "ExecStart="  # empties the vendor's, which has --no-persistence-mode
    assert "--persistence-mode" in said[2]
    boot = rtx["reboot:driver"]
    assert isinstance(boot, Reboot)
    assert "reboot:driver" in rtx["service:nvidia-persistenced"].after


# inference


def test_inference_an_api_key_is_in_a_private_file_and_the_port_open_to_the_peer_only(
    rtx: Resources,
) -> None:
    env = rtx["file:/etc/magnus/vllm/primary.env"]
    assert isinstance(env, File)
    assert env.mode == "0600"
    assert "API_KEY" not in text(rtx, LLM) + text(rtx, "/etc/magnus/vllm/primary.yaml")
    rules = lines(rtx, "/etc/nftables.d/magnus.nft")
    (rule,) = [line for line in rules if "dport 8000" in line]
    assert rule.startswith("ip saddr { 10.0.0.1 } ip daddr 10.0.0.2 tcp dport 8000 accept")


def test_inference_the_devices_are_made_before_privileges_are_dropped(rtx: Resources) -> None:
    unit = lines(rtx, LLM)
    # Not from within: DevicePolicy allows only what is there when a unit starts.
    assert "Requires=magnus-gpu-nodes.service" in unit
    nodes = lines(rtx, "/etc/systemd/system/magnus-gpu-nodes.service")
    assert "ExecStart=/usr/bin/nvidia-modprobe -u -c=0" in nodes
    assert "NoNewPrivileges=yes" in unit
    assert not any(line.startswith(("PrivateDevices", "MemoryDenyWrite")) for line in unit)


def test_inference_vllm_compiles_no_sampler_with_another_cuda(rtx: Resources) -> None:
    assert "VLLM_USE_FLASHINFER_SAMPLER=0" in text(rtx, LLM)
    assert "HF_HUB_OFFLINE=1" in text(rtx, LLM)


def test_inference_the_prompt_cache_of_mlx_is_always_bounded(mini: Resources) -> None:
    job = plistlib.loads(text(mini, "/Library/LaunchDaemons/net.magnus.mlx-complex.plist").encode())
    words = job["ProgramArguments"]
    assert words[words.index("--prompt-cache-bytes") + 1] == str(4 * 1024**3)
    assert words[:2] == ["/usr/bin/caffeinate", "-s"]
    wrapper = text(mini, "/opt/magnus/libexec/mlx_serve.py")
    assert "mx.set_wired_limit = lambda limit: 0" in wrapper


def test_inference_the_wired_limit_leaves_a_stated_reserve(mini: Resources) -> None:
    said = text(mini, "/Library/LaunchDaemons/net.magnus.iogpu.plist")
    assert "iogpu.wired_limit_mb=40960" in said  # 48 GiB less 8


def test_inference_a_mac_serves_with_nobody_logged_in(mini: Resources) -> None:
    jobs = [r for r in mini.values() if isinstance(r, Launchd)]
    assert jobs
    assert all(job.plist.startswith("/Library/LaunchDaemons/") for job in jobs)
    job = plistlib.loads(text(mini, "/Library/LaunchDaemons/net.magnus.mlx-complex.plist").encode())
    assert job["UserName"] == "_magnus"
    assert job["ProcessType"] == "Interactive"  # else macOS slows it down
    assert job["Umask"] == 0o027


def test_inference_ollama_has_one_address_and_every_bound_stated() -> None:
    found = of_example("rtx4090-ollama", "rtx4090")
    unit = text(found, "/etc/systemd/system/ollama.service")
    assert "OLLAMA_HOST=127.0.0.1:11434" in unit
    assert "0.0.0.0" not in unit
    for name in ("KEEP_ALIVE", "NUM_PARALLEL", "MAX_LOADED_MODELS", "CONTEXT_LENGTH", "MAX_QUEUE"):
        assert f"OLLAMA_{name}=" in unit


def test_inference_llama_cpp_takes_its_key_as_a_file_and_flags_of_today() -> None:
    found = of_example("mixtral-cpu", "mixtral")
    unit = text(found, "/etc/systemd/system/magnus-llamacpp-mixtral.service")
    assert "--api-key-file %d/api-key" in unit
    assert "LoadCredential=api-key:/etc/magnus/llamacpp/api-key" in unit
    assert "--port 9931" in unit  # its default moved
    assert "--load-mode mmap" in unit
    assert "--mlock" not in unit  # gone since September


def test_inference_models_of_one_host_share_no_core() -> None:
    found = of_example("bigram-server", "bigram")
    cores: list[int] = []
    for path in (
        "/etc/systemd/system/magnus-vllm@fast.service.d/10-magnus.conf",
        "/etc/systemd/system/magnus-vllm@coder.service.d/10-magnus.conf",
        "/etc/systemd/system/ollama.service",
    ):
        (line,) = [one for one in lines(found, path) if one.startswith("CPUAffinity=")]
        first, _, last = line.partition("=")[2].partition("-")
        cores += range(int(first), int(last) + 1)
    assert sorted(cores) == [*range(4, 64)]  # the first four are the reserve


@pytest.mark.parametrize(("engine", "archive"), [("ollama", "ollama"), ("llamacpp", "llama.cpp")])
def test_inference_brings_what_fetches_an_archive_without_the_base_role(
    engine: str, archive: str, tmp_path: Path
) -> None:
    host = {"os": "debian-12", "address": "10.0.0.9", "roles": ["storage", "inference"]}
    found = [*declared(tmp_path, {**host, "engine": engine}).values()]
    names = [one.id for one in found]
    fetched = names.index(f"archive:/opt/magnus/{archive}")
    for package in ("package:curl", "package:ca-certificates"):
        assert names.index(package) < fetched
        assert package in found[fetched].after


def test_inference_wants_no_certificates_for_an_archive_that_is_on_the_host(tmp_path: Path) -> None:
    archive = {"url": "file:///var/bundle/llama.tar.gz", "sha256": "0" * 64}
    host = {"os": "debian-12", "address": "10.0.0.9", "roles": ["storage", "inference"]}
    own = {"variables": {"inference": {"llamacpp": {"archive": archive}}}, "engine": "llamacpp"}
    found = declared(tmp_path, {**host, **own})
    assert "package:curl" in found
    assert "package:ca-certificates" not in found


# training


def test_training_has_an_environment_of_its_own(rtx: Resources) -> None:
    assert rtx["environment:/opt/magnus/venvs/train"] != rtx["environment:/opt/magnus/venvs/vllm"]
    assert "transformers==5.23.0" in text(rtx, "/opt/magnus/locks/train.txt")


def test_training_installs_nothing_without_a_hash(rtx: Resources) -> None:
    for name in ("train", "vllm"):
        said = text(rtx, f"/opt/magnus/locks/{name}.txt")
        wanted = [line for line in said.splitlines() if "==" in line and line[0] != "#"]
        assert wanted
        assert all(line.endswith(" \\") for line in wanted)  # a hash follows


def test_training_python_is_not_below_a_home() -> None:
    shell = Path("magnusctl/resources/environment.apply.sh").read_text()
    # With ProtectHome=yes a unit would not find its interpreter there.
    assert 'UV_PYTHON_INSTALL_DIR="$ROOT/opt/magnus/python"' in shell


# trading


def test_trading_huge_pages_are_given_at_boot_and_asked_for_again(linode: Resources) -> None:
    assert "hugepages=2048" in text(linode, "/etc/default/grub.d/90-magnus-rt.cfg")
    assert "$GRUB_CMDLINE_LINUX_DEFAULT " in text(linode, "/etc/default/grub.d/90-magnus-rt.cfg")
    assert linode["sysctl:vm.nr_hugepages"].state() == {"value": "2048"}


def test_trading_the_engine_may_raise_its_threads_and_is_not_real_time_as_a_whole(
    linode: Resources,
) -> None:
    unit = lines(linode, "/etc/systemd/system/magnus-trading.service")
    assert "LimitRTPRIO=80" in unit
    assert "AmbientCapabilities=CAP_SYS_NICE CAP_IPC_LOCK" in unit
    assert "CPUAffinity=0 1 2 3 4 5 6 7" in unit  # isolated CPUs are not balanced
    assert not any(line.startswith(("CPUSchedulingPolicy", "RestrictRealtime")) for line in unit)


def test_trading_half_tuned_is_not_started(linode: Resources) -> None:
    unit = lines(linode, "/etc/systemd/system/magnus-trading.service")
    assert "Requires=magnus-rt-tune.service" in unit
    engine = linode["service:magnus-trading"]
    assert isinstance(engine, Service)
    assert engine.needs == "/opt/magnus/trading/current/bin/trading_engine"


def test_trading_upgrades_restart_nothing_there(linode: Resources) -> None:
    said = text(linode, "/etc/needrestart/conf.d/50-magnus.conf")
    assert "$nrconf{restart} = 'l';" in said
    assert "maxchange 1 3 -1" in text(linode, "/etc/chrony/conf.d/10-magnus.conf")


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"os": "debian-12", "roles": ["cuda"]}, "the role cuda knows the driver's packages of Ubuntu"),
    (
        {"os": "macos-15", "roles": ["inference"], "engine": "mlx"},
        "mlx needs to know how much memory the Mac has",
    ),
    (
        {
            "os": "macos-15",
            "roles": ["inference"],
            "engine": "mlx",
            "hardware": {"memory": "8GiB"},
        },
        "less than 1 GiB is left for models beside macOS",
    ),
    (
        {
            "os": "ubuntu-24.04",
            "roles": ["inference"],
            "engine": "vllm",
            "variables": {"inference": {"vllm": {"lock": "mine.txt"}}},
        },
        "there is no template 'locks/mine.txt'",
    ),
]


@pytest.mark.parametrize(("host", "said"), REFUSED, ids=[said[:30] for _, said in REFUSED])
def test_what_a_role_cannot_know_is_asked_for(
    tmp_path: Path, host: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError) as error:
        declared(tmp_path, host)
    assert said in error.value.message
    assert error.value.hint
