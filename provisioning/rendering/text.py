"""The platform's own template texts: read once, and filled at `@NAME@` marks with checked values."""

import re
from functools import cache
from pathlib import Path

HOME = Path(__file__).resolve().parents[2] / "templates" / "infrastructure"
_MARK = re.compile(r"@([A-Z_]+)@")


@cache
def template(path: str) -> str:
    return (HOME / path).read_text()


def fill(path: str, **values: object) -> str:
    """The template with every mark replaced, in one pass: a value is never looked at for marks again.

    Raises `KeyError` for a mark without a value.
    """
    return _MARK.sub(lambda mark: str(values[mark[1]]), template(path))
