"""What a reader asks for, from query parameters. Each refusal names its parameter and the remedy."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tenants.exceptions import InvalidInput

MAX_TAIL = 5000
DEFAULT_TAIL = 200
MAX_GREP = 200
ROLES = ("live", "standby")

_ABSOLUTE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")
_RELATIVE = re.compile(r"(\d{1,6})([smhd])")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_CONTAINER = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}")
_NS = 10**9


@dataclass(frozen=True, kw_only=True)
class LogQuery:
    """`since_ns` and `until_ns` are nanoseconds since 1970, both inclusive; `container` is a role or a name."""

    tail: int = DEFAULT_TAIL
    since_ns: int | None = None
    until_ns: int | None = None
    container: str = ""
    grep: str = ""
    is_follow: bool = False


def parse_query(params: Mapping[str, str]) -> LogQuery:
    """Raises `InvalidInput` naming the first parameter that is not as it must be; unknown parameters are ignored."""
    is_follow = parse_follow(params)
    since, until = _time(params, "since"), _time(params, "until")
    if until is not None and is_follow:
        raise InvalidInput.field("until", "does not go together with follow: leave one of them out")
    if since is not None and until is not None and since > until:
        raise InvalidInput.field("until", "is before since: swap them")
    container = params.get("container", "")
    if "container" in params and not _CONTAINER.fullmatch(container):
        raise InvalidInput.field("container", "is no name of a container: use live, standby or a container's name")
    grep = params.get("grep", "")
    if len(grep) > MAX_GREP:
        raise InvalidInput.field("grep", f"has {len(grep)} characters: use at most {MAX_GREP}")
    return LogQuery(
        tail=_tail(params), since_ns=since, until_ns=until, container=container, grep=grep, is_follow=is_follow
    )


def parse_follow(params: Mapping[str, str]) -> bool:
    text = params.get("follow", "false").lower()
    if text not in {"true", "false", "1", "0"}:
        raise InvalidInput.field("follow", "is neither true nor false: use one of these")
    return text in {"true", "1"}


def _tail(params: Mapping[str, str]) -> int:
    text = params.get("tail", str(DEFAULT_TAIL))
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= MAX_TAIL:
        raise InvalidInput.field("tail", f"must be a whole number from 1 to {MAX_TAIL}")
    return int(text)


def _time(params: Mapping[str, str], name: str) -> int | None:
    if name not in params:
        return None
    # A plus sign that was not percent-encoded arrives as a space.
    text = params[name].replace(" ", "+")
    if relative := _RELATIVE.fullmatch(text):
        return time.time_ns() - int(relative[1]) * _UNIT_S[relative[2]] * _NS
    if absolute := _ABSOLUTE.fullmatch(text):
        try:
            moment = datetime.fromisoformat(absolute[1] + absolute[3])
            seconds = int(moment.timestamp())
        except (ValueError, OverflowError):
            pass
        else:
            if seconds >= 0:
                return seconds * _NS + int((absolute[2] or "").ljust(9, "0"))
    raise InvalidInput.field(
        name, "is no time: write it like 2026-01-31T12:00:00Z, or like 90s, 10m, 2h, 1d for so long ago"
    )
