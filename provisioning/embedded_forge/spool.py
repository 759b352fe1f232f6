"""Pushes on their way to webhooks: small files, so that neither a hook of git nor an API call waits for the database.

A file holds `PROJECT USER` and then one line `OLD NEW REF` for each ref that moved. It appears whole or not at all.
git's pre-receive writes one beside, `.prepared-ID`, before any ref moves, and post-receive takes it away: a push
is seen also if somebody ends git in between.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from provisioning.embedded_forge import configuration

PREPARED = ".prepared-"


@dataclass(frozen=True)
class Push:
    project_id: int
    user_id: int
    updates: tuple[tuple[str, str, str], ...]
    path: Path

    @property
    def id(self) -> str:
        return self.path.name.removeprefix(PREPARED)

    @property
    def pushed_at(self) -> datetime:
        try:
            return datetime.fromtimestamp(self.path.stat().st_mtime, UTC)
        except FileNotFoundError:
            # Somebody else has just taken it.
            return datetime.now(UTC)


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
    return _read(found)


def prepared() -> list[Push]:
    """Pushes that git was about to take in, or has taken in and not told of."""
    return _read(directory().glob(f"{PREPARED}*")) if directory().is_dir() else []


def _read(paths: Iterable[Path]) -> list[Push]:
    pushes = []
    for path in sorted(paths, key=_age):
        try:
            first, *rest = path.read_text().splitlines()
            project, user = map(int, first.split())
            updates = [line.split(" ", 2) for line in rest if line]
            pushes.append(Push(project, user, tuple((old, new, ref) for old, new, ref in updates), path))
        except FileNotFoundError:
            continue
        except ValueError:
            path.rename(path.with_name(f".unreadable-{path.name}"))
    return pushes


def _age(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
