"""What the forge driver answers: plain values, no SDK objects."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class Project:
    id: int
    path: str
    http_url: str


@dataclass(frozen=True)
class Commit:
    sha: str
    title: str
    author: str
    emails: tuple[str, ...]


@dataclass(frozen=True)
class TreeEntry:
    path: str
    mode: str
    blob_id: str


@dataclass(frozen=True)
class GitToken:
    """A person's token for git, without its text."""

    id: int
    created_at: datetime
    last_used_at: datetime | None
    expires_on: date | None


@dataclass(frozen=True)
class Pipeline:
    id: int
    status: str
    web_url: str

    @property
    def is_finished(self) -> bool:
        return self.status in {"success", "failed", "canceled", "skipped"}
