"""An NVIDIA card for computing: driver, toolkit and TensorRT that fit together and stay so."""

from __future__ import annotations

from collections.abc import Iterator

from magnusctl.errors import InputError
from magnusctl.quote import sh
from magnusctl.resources.command import Command
from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.resources.package import Package
from magnusctl.resources.reboot import Reboot
from magnusctl.resources.service import Service
from magnusctl.roles import python
from magnusctl.roles.context import Context
from magnusctl.state import Resource

NOUVEAU = "/etc/modprobe.d/magnus-nouveau.conf"
SOURCES = "/etc/apt/sources.list.d/magnus-nvidia.sources"
KEY = "/usr/share/keyrings/magnus-nvidia.asc"
KEY_FINGERPRINT = "EB693B3035CD5710E231E123A4B469963BF863CC"
"""Of NVIDIA's key for its repositories since 2022 (3bf863cc.pub)."""
INITRAMFS = "initramfs without nouveau"
BOOT = "driver"
AGREES = (
    'have=$(system modinfo -F version nvidia 2>/dev/null) && [ -n "$have" ] && '
    '[ "$(cat "$ROOT/sys/module/nvidia/version" 2>/dev/null)" = "$have" ] && '
    '! grep -q "^nouveau " "$ROOT/proc/modules"'
)


def resources(context: Context) -> Iterator[Resource]:
    """In the order that the platform asks for: driver, boot, power, toolkit, TensorRT."""
    yield from _driver(context)
    yield from _services(context)
    if context.variables.cuda.toolkit or context.variables.cuda.tensorrt:
        yield from _toolkit(context)


def _driver(context: Context) -> Iterator[Resource]:
    cuda = context.variables.cuda
    yield File(path=NOUVEAU, content=context.render("cuda/nouveau.conf.j2"))
    tensorrt = f"{cuda.tensorrt}+cuda12.*" if cuda.tensorrt else ""
    yield File(
        path="/etc/apt/preferences.d/magnus-nvidia",
        content=context.render("cuda/nvidia.pref.j2", tensorrt=tensorrt),
    )
    packages = driver_packages(context)
    if not cuda.driver_packages:
        yield _one_flavour(cuda.kernel)
    # One transaction, and held as one: a kernel without its module boots without a GPU.
    for name in packages:
        version = f"{cuda.branch}.*" if _follows_branch(name) else ""
        yield Package(package=name, version=version, hold=True)
    if not cuda.driver_packages:
        # Only recommended by the others; it makes the device files that CUDA wants.
        yield Package(package="nvidia-modprobe")
    yield Command(
        label=INITRAMFS,
        run="system update-initramfs -u",
        restart_on=(f"file:{NOUVEAU}",),
    )
    yield Reboot(
        label=BOOT,
        why="the driver that runs and the one that is installed are to be one",
        unless=AGREES,
        after=(f"file:{NOUVEAU}", f"command:{INITRAMFS}", *(f"package:{p}" for p in packages)),
    )


def _one_flavour(kernel: str) -> Resource:
    """The module is for one flavour of kernel, and GRUB boots the newest of all that are there."""
    others = (
        "system dpkg-query -W -f='${Package} ${db:Status-Status}\\n' 'linux-image-generic*' "
        f"2>/dev/null | sed -n 's/ installed$//p' | grep -vx 'linux-image-{kernel}'"
    )
    hint = f"its modules would be for {kernel}: say 'cuda: {{kernel: …}}' as the image is called"
    return Command(
        label="one flavour of kernel",
        run=f'fail "another flavour of kernel is installed and boots, $({others} | sed -n 1p); '
        f'{hint}"',
        unless=f"! {others} >/dev/null",
    )


def driver_packages(context: Context) -> tuple[str, ...]:
    """Ubuntu's server branch with modules that Canonical signed: Secure Boot takes them as they
    are. Raises InputError for a system that has no such packages."""
    cuda = context.variables.cuda
    if cuda.driver_packages:
        return cuda.driver_packages
    if context.host.os_name != "ubuntu":
        hint = "Add 'driver_packages:' with the names of this system below variables: cuda:."
        message = f"the role cuda knows the driver's packages of Ubuntu, not of {context.host.os}"
        raise InputError(message, hint=hint)
    branch, kernel = cuda.branch, cuda.kernel
    return (
        f"linux-image-{kernel}",
        f"linux-headers-{kernel}",
        f"linux-modules-nvidia-{branch}-server-open-{kernel}",
        f"nvidia-headless-no-dkms-{branch}-server-open",
        f"nvidia-utils-{branch}-server",
        f"nvidia-compute-utils-{branch}-server",
    )


def _follows_branch(package: str) -> bool:
    """Whether a package's version is the driver's; that of a kernel's module is the kernel's."""
    return not package.startswith("linux-")


def _services(context: Context) -> Iterator[Resource]:
    boot = f"reboot:{BOOT}"
    folder = "/etc/systemd/system/nvidia-persistenced.service.d"
    yield Directory(path=folder)
    yield File(path=f"{folder}/10-magnus.conf", content=context.render("cuda/persistenced.conf.j2"))
    yield Service(
        unit="nvidia-persistenced",
        restart_on=(f"file:{folder}/10-magnus.conf",),
        after=(boot,),
    )
    path, watts = "/etc/systemd/system/magnus-gpu-power.service", context.variables.cuda
    if watts.power_limit_watts is None:
        return
    yield File(
        path=path,
        content=context.render("cuda/gpu-power.service.j2", watts=watts.power_limit_watts),
        validator="unit",
    )
    yield Service(unit="magnus-gpu-power", restart_on=(f"file:{path}",), after=(boot,))


def _toolkit(context: Context) -> Iterator[Resource]:
    cuda = context.variables.cuda
    after: tuple[str, ...] = ()
    if cuda.repository != "none":
        yield from _repository(context, cuda.repository)
        after = (f"file:{SOURCES}",)
    if cuda.toolkit:
        # Never `cuda` or `cuda-drivers`: those drag in a driver of their own.
        name = f"cuda-toolkit-{cuda.toolkit.replace('.', '-')}"
        yield Package(package=name, hold=True, after=after)
        yield File(
            path="/etc/profile.d/magnus-cuda.sh",
            content=context.render("cuda/profile.sh.j2", toolkit=cuda.toolkit),
            validator="shell",
        )
    if cuda.tensorrt:
        version = f"{cuda.tensorrt}+cuda12.*"
        yield Package(package="tensorrt", version=version, hold=True, after=after)


def _repository(context: Context, url: str) -> Iterator[Resource]:
    """The key is known by its fingerprint: whoever gives another one gives nothing."""
    for package in ("gpg", *python.FETCH_PACKAGES):
        yield Package(package=package)
    other = (
        f'grep -lsF {sh(url)} "$ROOT"/etc/apt/sources.list "$ROOT"/etc/apt/sources.list.d/*.list '
        f'"$ROOT"/etc/apt/sources.list.d/*.sources | grep -v magnus-nvidia'
    )
    # Two lists of one repository with two keys, and apt reads none at all any more.
    yield Command(
        label="one list of NVIDIA's repository",
        run=f'fail "$({other}) names it already: take it out, or say repository: none"',
        unless=f"! {other} >/dev/null",
    )
    # Made of pieces that a shell on any host has; the key counts only once it was recognised.
    yield Command(
        label="NVIDIA's key",
        run=f"k=nvidia.key; system curl -fsSL --retry 3 -o $k {sh(f'{url}/3bf863cc.pub')} && "
        f"system gpg --show-keys --with-colons $k | grep -q '^fpr:*{KEY_FINGERPRINT}:' || "
        "{ fail 'this is not the key of NVIDIA'; exit 1; }; "
        f'cat $k >"$ROOT{KEY}.new" && mv -f "$ROOT{KEY}.new" "$ROOT{KEY}"',
        unless=f'[ -s "$ROOT{KEY}" ] && system gpg --show-keys --with-colons "$ROOT{KEY}" | '
        f"grep -q '^fpr:*{KEY_FINGERPRINT}:'",
        undo=f'rm -f "$ROOT{KEY}"',
        after=("package:gpg",),
    )
    yield File(
        path=SOURCES,
        content=context.render("cuda/cuda.sources.j2", repository=url, key=KEY),
        after=("command:NVIDIA's key", "command:one list of NVIDIA's repository"),
    )
