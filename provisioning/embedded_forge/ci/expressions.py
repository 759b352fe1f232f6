"""The expressions of `rules: if`: `==`, `!=`, `=~`, `!~`, `&&`, `||`, parentheses, variables, strings, `null` and
`/regex/`.

Regular expressions are matched by `grep -P`, whose limit on backtracking keeps a hostile one from holding a process.
"""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<or>\|\|) | (?P<and>&&) | (?P<compare>==|!=|=~|!~) | (?P<open>\() | (?P<close>\)) |
    (?P<variable>\$\w+) | (?P<null>null\b) | (?P<text>"[^"]*"|'[^']*') | (?P<regex>/(?:\\.|[^/\\\n])+/[ims]*)
    )""",
    re.VERBOSE,
)
MAX_LENGTH = 2000
MAX_DEPTH = 50


class InvalidExpression(Exception):
    """The text is no expression."""


@dataclass(frozen=True)
class Regex:
    pattern: str
    flags: str


Value = str | Regex | bool | None


def _tokens(text: str) -> list[tuple[str, str]]:
    if len(text) > MAX_LENGTH:
        raise InvalidExpression
    found, position, end = [], 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise InvalidExpression
        found.append((match.lastgroup or "", match[0].strip()))
        position = match.end()
    return found


class _Evaluation:
    def __init__(self, text: str, variables: Mapping[str, str]) -> None:
        self.tokens = _tokens(text)
        self.variables = variables
        self.position = 0
        self.depth = 0

    def peek(self) -> str:
        return self.tokens[self.position][0] if self.position < len(self.tokens) else ""

    def take(self) -> tuple[str, str]:
        if self.position >= len(self.tokens):
            raise InvalidExpression
        self.position += 1
        return self.tokens[self.position - 1]

    def either(self) -> Value:
        left = self.both()
        while self.peek() == "or":
            self.take()
            right = self.both()
            left = _truth(left) or _truth(right)
        return left

    def both(self) -> Value:
        left = self.comparison()
        while self.peek() == "and":
            self.take()
            right = self.comparison()
            left = _truth(left) and _truth(right)
        return left

    def comparison(self) -> Value:
        left = self.operand()
        while self.peek() == "compare":
            operator = self.take()[1]
            left = _compare(operator, left, self.operand())
        return left

    def operand(self) -> Value:
        kind, text = self.take()
        if kind == "open":
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise InvalidExpression
            value = self.either()
            if self.take()[0] != "close":
                raise InvalidExpression
            return value
        if kind == "variable":
            return self.variables.get(text[1:])
        if kind == "null":
            return None
        if kind == "text":
            return text[1:-1]
        if kind == "regex":
            return _regex(text)
        raise InvalidExpression


def _regex(text: str) -> Regex:
    body, _slash, flags = text[1:].rpartition("/")
    return Regex(body.replace("\\/", "/"), flags)


def _truth(value: Value) -> bool:
    return value not in (None, "", False)


def _compare(operator: str, left: Value, right: Value) -> bool:
    if operator == "==":
        return left == right
    if operator == "!=":
        return left != right
    if isinstance(right, str):
        # A variable may hold a pattern, written with its slashes.
        right = _regex(right) if re.fullmatch(r"/.+/[ims]*", right, re.DOTALL) else Regex(re.escape(right), "")
    found = isinstance(left, str) and isinstance(right, Regex) and _matches(right, left)
    return found if operator == "=~" else not found


def _matches(regex: Regex, text: str) -> bool:
    flags = f"(?{regex.flags})" if regex.flags else ""
    try:
        done = subprocess.run(
            ["grep", "-qzP", "-e", f"{flags}{regex.pattern}"],
            input=text.encode(), timeout=5, check=False, capture_output=True,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise InvalidExpression from None
    if done.returncode > 1:
        raise InvalidExpression
    return done.returncode == 0


def holds(text: str, variables: Mapping[str, str]) -> bool:
    """Whether the expression is true with these variables. Raises `InvalidExpression`."""
    evaluation = _Evaluation(text, variables)
    value = evaluation.either()
    if evaluation.position != len(evaluation.tokens):
        raise InvalidExpression
    return _truth(value)


def check(text: str) -> None:
    """Raises `InvalidExpression` for a text that is none; nothing is matched."""
    evaluation = _Evaluation(text, {})
    evaluation.either()
    if evaluation.position != len(evaluation.tokens):
        raise InvalidExpression
