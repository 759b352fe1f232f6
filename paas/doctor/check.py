"""What a check is, and what it finds."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Warned(Exception):
    """The part works, and somebody should do something soon; the message says who and what."""


class Failed(Exception):
    """The part does not work; the message says who must do what."""


@dataclass(frozen=True)
class Check:
    """`run` returns what it saw, where all is well. Raises `Warned`, `Failed` or any error of the platform's own.

    It may take `LIMIT_S`, runs in a thread of its own, and no check waits for another's answer.
    """

    name: str
    run: Callable[[], str]


@dataclass(frozen=True)
class Finding:
    check: str
    level: Level
    message: str
