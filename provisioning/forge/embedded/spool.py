"""Pushes on their way to webhooks: small files, so that neither a hook of git nor an API call waits for the database.

A file holds `PROJECT USER` and then one line `OLD NEW REF` for each ref that moved. It appears whole or not at all.
"""

import uuid
from dataclasses import dataclass
from pathlib import Path

from provisioning.forge.embedded import configuration


@dataclass(frozen=True)
class Push:
    project_id: int
    user_id: int
    updates: tuple[tuple[str, str, str], ...]
    path: Path


def directory() -> Path:
    return configuration.home() / "spool"


def record(*, project_id: int, user_id: int, updates: list[tuple[str, str, str]]) -> None:
    directory().mkdir(parents=True, exist_ok=True)
    name = uuid.uuid4().hex
    beside = directory() / f".{name}"
    beside.write_text("\n".join([f"{project_id} {user_id}", *(" ".join(update) for update in updates), ""]))
    beside.rename(directory() / name)


def pending() -> list[Push]:
    """Pushes that no one has taken yet, oldest first. A file that can't be read as one is put aside."""
    if not directory().is_dir():
        return []
    found = [path for path in directory().iterdir() if not path.name.startswith(".")]
    pushes = []
    for path in sorted(found, key=lambda item: item.stat().st_mtime_ns):
        try:
            first, *rest = path.read_text().splitlines()
            project, user = map(int, first.split())
            updates = [line.split(" ", 2) for line in rest if line]
            pushes.append(Push(project, user, tuple((old, new, ref) for old, new, ref in updates), path))
        except ValueError:
            path.rename(path.with_name(f".unreadable-{path.name}"))
    return pushes
