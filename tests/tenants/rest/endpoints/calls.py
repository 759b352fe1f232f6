"""One call, and what everybody gets for it."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

# Whose answers `Call.answers` has, in this order. `stranger` owns another organization with an app of its own.
PEOPLE = ("nobody", "stranger", "developer", "maintainer", "owner", "reviewer", "operator", "auditor")
# Rows that everybody in the organization and the platform's staff read; lists, in which everybody finds their own.
READ = (401, 404, *[200] * 6)
LIST = (401, *[200] * 7)
PUBLIC = (200,) * 8

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
_THING = re.compile(r"\{(\w+)\}")
# What stands for a route's parameter, where the call says nothing else.
_THINGS = {"slug": "organization", "env": "environment"}


@dataclass(frozen=True)
class Call:
    """`route` is the URL table's own, below /api/v1/. In `body` and `query`, `{release}` is the world's release.

    `things` says what stands for the route's parameters where it is not what they are called. `right` is who may; where
    they are none of `PEOPLE`, they get `answer`. `event` is what the trail keeps. `outside` is what who may gets once a
    policy denies them.
    """

    method: str
    route: str
    answers: tuple[int, ...]
    body: Any = None
    query: str = ""
    things: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    event: str = ""
    right: str = ""
    answer: int = 0
    outside: int = 0
    note: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.route}{f' {self.note}' if self.note else ''}"

    @property
    def is_write(self) -> bool:
        return bool(self.event)

    def answer_for(self, person: str) -> int:
        return self.answers[PEOPLE.index(person)]

    @property
    def who(self) -> str:
        """Whoever may: of `PEOPLE` the one with the least rights, strangers aside."""
        if self.right:
            return self.right
        return next(person for person in PEOPLE[2:] if self.answer_for(person) < 300)

    @property
    def expected(self) -> int:
        return self.answer or self.answer_for(self.who)

    @property
    def parameters(self) -> dict[str, str]:
        """Route parameter -> the thing of the world that stands there."""
        names = _PARAMETER.findall(self.route)
        return {name: self.things.get(name, _THINGS.get(name, name)) for name in names}

    @property
    def named(self) -> list[str]:
        """Everything of the world that the call names, in path, query and body."""
        texts = f"{self.query} {json.dumps(self.body)}"
        return list(dict.fromkeys([*self.parameters.values(), *_THING.findall(texts)]))

    def path(self, text_of: Callable[[str], str]) -> str:
        path = _PARAMETER.sub(lambda match: text_of(self.parameters[match[1]]), self.route)
        return f"/api/v1/{path}" + (f"?{filled(self.query, text_of)}" if self.query else "")

    def content(self, text_of: Callable[[str], str]) -> bytes:
        return b"" if self.body is None else filled(json.dumps(self.body), text_of).encode()

    def among(self, **things: str) -> "Call":
        """The same with other things standing for its parameters."""
        return replace(self, things={**self.things, **things})


def filled(text: str, text_of: Callable[[str], str]) -> str:
    return _THING.sub(lambda match: text_of(match[1]), text)
