"""An environment's settings and variables as they are live, beside those that the next release will have."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tenants.apps.models.environment import Environment
from tenants.releases.models.release import Release

SETTINGS = ("memory_mib", "cpu_millis", "pids", "disk_mib", "health_check_path")


@dataclass(frozen=True)
class SettingCompared:
    name: str
    live: Any
    next: Any

    @property
    def differs(self) -> bool:
        return bool(self.live != self.next)


@dataclass(frozen=True)
class VariableCompared:
    """`change` is what the next release does to it: `added`, `changed` (its value, or whether it is a secret),
    `removed`, or nothing."""

    name: str
    change: str
    is_secret: bool


@dataclass(frozen=True)
class Compared:
    """`release` is the live one; None where nothing is live: then everything is for the next release."""

    release: Release | None
    settings: list[SettingCompared]
    variables: list[VariableCompared]

    @property
    def differs(self) -> bool:
        return any(row.differs for row in self.settings) or any(row.change for row in self.variables)


def compared(environment: Environment) -> Compared:
    """No value of a variable is in it. Loads subdomains and variables if they are not loaded."""
    release = environment.current_release
    if release is None:
        return Compared(None, [], [])
    hostnames = sorted(row.hostname for row in environment.subdomains.all())
    live = release.configuration
    settings = [SettingCompared(name, live.get(name), getattr(environment, name)) for name in SETTINGS]
    settings.append(SettingCompared("hostnames", sorted(live.get("hostnames", [])), hostnames))
    return Compared(release, settings, _variables(environment, release))


def _variables(environment: Environment, release: Release) -> list[VariableCompared]:
    live: Mapping[str, str] = json.loads(release.variables)
    # A release of before it was kept which are secrets: all were.
    secret = set(live) if release.secret_variables is None else set(release.secret_variables)
    following = {row.name: row for row in environment.variables.all()}
    found = []
    for name in sorted({*live, *following}):
        row = following.get(name)
        if row is None:
            found.append(VariableCompared(name, "removed", name in secret))
        elif name not in live:
            found.append(VariableCompared(name, "added", row.is_secret))
        else:
            is_same = row.value == live[name] and (
                release.secret_variables is None or row.is_secret == (name in secret)
            )
            found.append(VariableCompared(name, "" if is_same else "changed", row.is_secret))
    return found
