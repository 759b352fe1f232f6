"""Reads the parts that `.gitlab-ci.yml` is made of: YAML within limits, scripts, variables, durations."""

import re
from typing import Any

import yaml

MAX_BYTES = 1024 * 1024
# Nodes of the file with every alias written out: a few lines of aliases can stand for billions.
MAX_NODES = 50_000
MAX_DEPTH = 10
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(
    r"(\d+(?:\.\d+)?)\s*(seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|hr|h|days?|d|weeks?|w)?[\s,]*(?:and\s*)?",
    re.IGNORECASE,
)
MAX_TIMEOUT_S = 30 * 86_400
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class InvalidConfig(Exception):
    """The file is refused; `reasons` says why, one fault each."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


def load(text: bytes) -> dict[Any, Any]:
    """The file as a mapping."""
    if len(text) > MAX_BYTES:
        raise InvalidConfig([f"The CI config file is too big (maximum is {MAX_BYTES} bytes)"])
    try:
        source = text.decode()
        node = yaml.compose(source, Loader=yaml.SafeLoader)
        if node is not None and _size(node, {}, set()) > MAX_NODES:
            raise InvalidConfig(["The parsed YAML is too big"])
        tree = yaml.safe_load(source)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" at line {mark.line + 1} column {mark.column + 1}" if mark else ""
        raise InvalidConfig([f"(<unknown>): {error.problem or 'not valid YAML'}{place}"]) from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError):
        raise InvalidConfig(["Invalid configuration format"]) from None
    except RecursionError:
        raise InvalidConfig(["The parsed YAML is too big"]) from None
    if not isinstance(tree, dict):
        raise InvalidConfig(["Invalid configuration format"])
    return tree


def _size(node: yaml.Node, known: dict[int, int], above: set[int]) -> int:
    """The number of nodes with aliases written out; a node within itself counts as too many."""
    if id(node) in above:
        return MAX_NODES + 1
    if id(node) not in known:
        above.add(id(node))
        children: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            children = [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            children = node.value
        known[id(node)] = 1 + sum(_size(child, known, above) for child in children)
        above.remove(id(node))
    return known[id(node)]


def mapping(value: Any, where: str, keys: set[str]) -> dict[str, Any]:
    """A hash with no other keys than these."""
    if not isinstance(value, dict):
        raise InvalidConfig([f"{where} config should be a hash"])
    unknown = [str(key) for key in value if key not in keys]
    if unknown:
        raise InvalidConfig([f"{where} config contains unknown keys: {', '.join(unknown)}"])
    return dict(value)


def flat(value: list[Any], where: str, depth: int = 0) -> list[Any]:
    """Lists in lists, as YAML anchors make them, in one."""
    if depth > MAX_DEPTH:
        raise InvalidConfig([f"{where} config should be nested at most {MAX_DEPTH} levels deep"])
    found: list[Any] = []
    for item in value:
        found += flat(item, where, depth + 1) if isinstance(item, list) else [item]
    return found


def script(value: Any, where: str) -> list[str]:
    if value is None:
        return []
    lines: list[Any] = [None]
    if isinstance(value, str | list):
        lines = [value] if isinstance(value, str) else flat(value, where)
    if not all(isinstance(line, str) and "\0" not in line for line in lines):
        raise InvalidConfig([f"{where} config should be a string or a nested array of strings up to 10 levels deep"])
    return lines


def variables(value: Any, where: str) -> dict[str, dict[str, Any]]:
    """Names to `{"value": text, "raw": bool}`."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidConfig([f"{where} config should be a hash of key value pairs"])
    found = {}
    for name, item in value.items():
        raw = False
        if isinstance(item, dict):
            if unknown := set(item) - {"value", "description", "expand", "options"}:
                raise InvalidConfig([f"{where}:{name} config uses invalid data keys: {', '.join(map(str, unknown))}"])
            raw = item.get("expand") is False
            item = item.get("value", "")
        if isinstance(item, bool) or not isinstance(item, str | int | float) or not _NAME.match(str(name)):
            raise InvalidConfig([f"{where} config should be a hash of key value pairs, value can be a hash"])
        found[str(name)] = {"value": str(item), "raw": raw}
    return found


def duration_s(value: Any, where: str) -> int:
    """`90`, `1h 30m`, `1 hour and 30 minutes`."""
    text = str(value).strip()
    seconds, position = 0.0, 0
    while position < len(text) and (match := _DURATION.match(text, position)):
        seconds += float(match[1]) * _UNITS[(match[2] or "s")[0].lower()]
        position = match.end()
    if position < len(text) or isinstance(value, bool) or seconds < 1:
        raise InvalidConfig([f"{where} timeout should be a duration"])
    if seconds > MAX_TIMEOUT_S:
        raise InvalidConfig([f"{where} timeout should not exceed the limit (43200 minutes)"])
    return int(seconds)
