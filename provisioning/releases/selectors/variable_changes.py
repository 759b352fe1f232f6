"""What a release would change of its environment's variables: in words, and in values if they are no secrets."""

import json
from typing import Any

from tenants.releases.models.release import Release


def variable_changes(live: Release | None, release: Release) -> list[dict[str, Any]]:
    """One row for each variable that differs in value or in secrecy, by name.

    `change` is `set`, `changed`, `removed` or `secrecy`. `before` and `after` are values; `null` stands for one that is
    a secret or is not there, and `before_is_secret` and `after_is_secret` tell the two apart.
    """
    before, after = _snapshot(live), _snapshot(release)
    rows = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old != new:
            rows.append({"name": name, "change": _change(old, new)} | _side("before", old) | _side("after", new))
    return rows


def _snapshot(release: Release | None) -> dict[str, tuple[str, bool]]:
    """Name -> value, and whether that is a secret. A release that did not say so has nothing but secrets."""
    if release is None:
        return {}
    values = json.loads(release.variables)
    secret = values.keys() if release.secret_variables is None else set(release.secret_variables)
    return {name: (value, name in secret) for name, value in values.items()}


def _change(old: tuple[str, bool] | None, new: tuple[str, bool] | None) -> str:
    if old is None:
        return "set"
    if new is None:
        return "removed"
    return "changed" if old[0] != new[0] else "secrecy"


def _side(side: str, variable: tuple[str, bool] | None) -> dict[str, Any]:
    if variable is None:
        return {side: None, f"{side}_is_secret": None}
    value, is_secret = variable
    return {side: None if is_secret else value, f"{side}_is_secret": is_secret}
