"""What may stand in a rendered file: one allow-list a kind of text, checked again at the moment of rendering.

The border has checked these before; a second check here costs nothing and means that no path into rendering, now or
later, can bring text into a configuration file that nobody looked at. Each raises `ValueError` that names the field.
"""

import ipaddress
import re
from pathlib import PurePosixPath

from provisioning.rendering.specs import FallbackSpec, ReleaseSpec

_INSTALLATION = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_APP_ID = re.compile(r"app[1-9][0-9]{6,14}")
_HOSTNAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_URL_PATH = re.compile(r"/[A-Za-z0-9._~/=&?%+-]{0,199}")
_HOME = re.compile(r"/[A-Za-z0-9._/-]{1,299}")
_IMAGE = re.compile(r"[a-z0-9][a-z0-9._/:-]{0,198}(?:@sha256:[0-9a-f]{64})?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_STACKS = ("php", "static")
_ENVIRONMENTS = ("test", "production")


def check_release(spec: ReleaseSpec) -> None:
    """Refuses, by a `ValueError` that names the field, a spec with any value outside its allow-list or range."""
    _match("installation", spec.installation, _INSTALLATION, empty=True)
    _match("app_id", spec.app_id, _APP_ID)
    _one_of("environment", spec.environment, _ENVIRONMENTS)
    _one_of("stack", spec.stack, _STACKS)
    for hostname in spec.hostnames:
        _match("hostnames", hostname, _HOSTNAME)
    _match("health_check_path", spec.health_check_path, _URL_PATH)
    _between("number", spec.number, 1, 10**9)
    _between("deployment", spec.deployment, 0, 10**15)
    _between("stack_version", spec.stack_version, 1, 10**6)
    _between("memory_mib", spec.memory_mib, 32, 65_536)
    _between("cpu_millis", spec.cpu_millis, 50, 64_000)
    _between("pids", spec.pids, 16, 32_768)
    _between("disk_mib", spec.disk_mib, 8, 65_536)
    _between("uid", spec.uid, 10_000, 2**31 - 1)
    _between("sidecar_uid", spec.sidecar_uid, 10_000, 2**31 - 1)
    if spec.uid == spec.sidecar_uid:
        raise ValueError("sidecar_uid: the sidecar must not be the plugin's own user")
    _check_network(spec)
    check_home(spec.home)
    if not spec.instances:
        raise ValueError("instances: a release needs at least one instance")
    if len({instance.role for instance in spec.instances}) != len(spec.instances):
        raise ValueError("instances: a role may stand only once")
    for instance in spec.instances:
        _one_of("instances.role", instance.role, ("live", "standby"))
        _between("instances.port", instance.port, 1024, 65_535)
        try:
            ipaddress.IPv4Address(instance.address)
        except ValueError:
            raise ValueError(f"instances.address: {instance.address!r} is no IPv4 address") from None
        if instance.address == "0.0.0.0":  # noqa: S104 - refused, not bound
            raise ValueError("instances.address: 0.0.0.0 would publish the app to everyone: name one address")


def check_fallback(spec: FallbackSpec) -> None:
    """As `check_release`, for what the host serves by itself."""
    _match("app_id", spec.app_id, _APP_ID)
    _one_of("environment", spec.environment, _ENVIRONMENTS)
    _one_of("stack", spec.stack, _STACKS)
    _match("worker_user", spec.worker_user, _USER)
    _between("deployment", spec.deployment, 1, 10**15)
    _between("port", spec.port, 1024, 65_535)
    _between("uid", spec.uid, 10_000, 2**31 - 1)
    _between("memory_mib", spec.memory_mib, 32, 65_536)
    _between("pids", spec.pids, 16, 32_768)
    _between("disk_mib", spec.disk_mib, 8, 65_536)
    check_home(spec.home)
    check_home(spec.code)


def check_home(home: PurePosixPath) -> None:
    _match("home", str(home), _HOME)
    if ".." in home.parts:
        raise ValueError(f"home: {str(home)!r} must not have '..' in it")


def check_images(images: dict[str, str]) -> None:
    for name, tag in images.items():
        _match(f"images.{name}", tag, _IMAGE)


def check_variable(name: str, value: str) -> None:
    """A variable's name is an identifier; its value is text without NUL and has at most 32 KiB.

    Which names a tenant may choose is the border's to say: in here a name decides nothing.
    """
    _match("variables", name, _VARIABLE)
    if "\0" in value:
        raise ValueError(f"variables: the value of {name} has a NUL character: remove it")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise ValueError(f"variables: the value of {name} is no valid text: remove lone surrogates") from None
    if size > 32 * 1024:
        raise ValueError(f"variables: the value of {name} is larger than 32 KiB: shorten it")


def _check_network(spec: ReleaseSpec) -> None:
    try:
        network = ipaddress.IPv4Network(spec.subnet)
    except ValueError:
        raise ValueError(f"subnet: {spec.subnet!r} is no IPv4 network like 10.0.0.0/29") from None
    if not network.is_private or not 24 <= network.prefixlen <= 29:
        raise ValueError(f"subnet: {spec.subnet!r} must be private and between /24 and /29")


def _match(field: str, value: str, grammar: re.Pattern[str], *, empty: bool = False) -> None:
    if not (grammar.fullmatch(value) or (empty and value == "")):
        raise ValueError(f"{field}: {value[:80]!r} is not allowed in a configuration file")


def _one_of(field: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{field}: {value[:80]!r} is none of {', '.join(allowed)}")


def _between(field: str, value: int, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{field}: {value!r} is no whole number from {low} to {high}")
