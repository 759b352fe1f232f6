"""An environment's settings in the words of its card: live now, and with the next release."""

from dataclasses import dataclass
from typing import Any

from paas.portal.apps.presenters import cores
from provisioning.rendering.limits import php_limits
from tenants.apps.models.environment import Environment
from tenants.apps.selectors import SETTINGS, SettingCompared, VariableCompared, compared
from tenants.hostile_text import written_out

_LABELS = {
    "memory_mib": "memory",
    "cpu_millis": "CPU",
    "pids": "processes",
    "disk_mib": "disk for /tmp",
    "health_check_path": "health check",
    "hostnames": "hostnames",
}


@dataclass(frozen=True)
class ShownSetting:
    label: str
    live: str
    next: str

    @property
    def differs(self) -> bool:
        return self.live != self.next


@dataclass(frozen=True)
class ShownSettings:
    release: Any
    rows: list[ShownSetting]
    variables: list[VariableCompared]
    differs: bool
    upload_mib: int


def show_settings(environment: Environment) -> ShownSettings:
    """Of an environment in which nothing is live, what its first release will have."""
    found = compared(environment)
    settings = found.settings or [SettingCompared(name, None, getattr(environment, name)) for name in SETTINGS]
    # The hostnames have a place of their own on the card: here they only count where they will change.
    rows = [
        ShownSetting(_LABELS[row.name], _text(row.name, row.live), _text(row.name, row.next))
        for row in settings
        if row.name != "hostnames" or row.differs
    ]
    # A release from before a setting was there has none of it.
    of_environment = {name: getattr(environment, name) for name in SETTINGS}
    upload = _upload(of_environment | (found.release.configuration if found.release else {}))
    return ShownSettings(found.release, rows, found.variables, found.differs, upload)


def _upload(settings: Any) -> int:
    limits = php_limits(memory_mib=settings["memory_mib"], pids=settings["pids"], disk_mib=settings["disk_mib"])
    return limits.body_mib


def _text(name: str, value: Any) -> str:
    if value is None:
        return "—"
    match name:
        case "memory_mib" | "disk_mib":
            return f"{value} MiB"
        case "cpu_millis":
            return cores(value)
        case "hostnames":
            return ", ".join(value) or "none"
        case _:
            return written_out(str(value))
