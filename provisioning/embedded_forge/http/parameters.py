"""Parameters of a call: from the query, a JSON body or a form, checked as Grape does.

Query strings and forms nest as in Rails: `scope[]=a`, `filter[environment_scope]=x`, `variables[][key]=K`.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal
from urllib.parse import parse_qsl

from provisioning.embedded_forge.http.errors import ApiError, invalid_parameters

Kind = Literal["text", "integer", "boolean", "list", "integers", "mapping", "date", "moment", "any"]
_KEY = re.compile(r"\[([^\[\]]*)\]")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
MAX_NESTING = 10
_TRUE = {"true", "1", "t", "yes", "on"}
_FALSE = {"false", "0", "f", "no", "off", ""}


@dataclass(frozen=True)
class Field:
    """One parameter: `required` ones must be sent, `filled` ones must not be empty, `choices` limits the values."""

    kind: Kind = "text"
    required: bool = False
    filled: bool = False
    choices: tuple[Any, ...] = ()
    default: Any = None


def parse_nested(text: str) -> dict[str, Any]:
    """A query string or form as a tree. A key given twice without brackets keeps its last value."""
    tree: dict[str, Any] = {}
    for key, value in parse_qsl(text, keep_blank_values=True, max_num_fields=2000):
        head, bracket, _rest = key.partition("[")
        path = _KEY.findall(key)[:MAX_NESTING] if bracket else []
        _put(tree, [head, *path], value)
    return {key: _lists(value) for key, value in tree.items()}


def _put(tree: dict[str, Any], path: list[str], value: str) -> None:
    """`[]` appends; `[][key]` starts a new element when the last one has that key already."""
    node: Any = tree
    for position, part in enumerate(path[:-1]):
        following: Any = [] if path[position + 1] == "" else {}
        if part == "":
            if not node or not isinstance(node[-1], dict) or path[position + 1] in node[-1]:
                node.append(following)
            node = node[-1]
            continue
        if not isinstance(node.get(part), type(following)):
            node[part] = following
        node = node[part]
    if isinstance(node, list):
        node.append(value)
    else:
        node[path[-1]] = value


def _lists(value: Any) -> Any:
    """Hashes whose keys are 0, 1, 2, ... are lists."""
    if isinstance(value, dict):
        value = {key: _lists(item) for key, item in value.items()}
        if value and all(key.isdigit() for key in value):
            return [value[key] for key in sorted(value, key=int)]
    elif isinstance(value, list):
        return [_lists(item) for item in value]
    return value


def parse_body(content_type: str, body: bytes) -> dict[str, Any]:
    """An empty body is no parameters, whatever its type says: python-gitlab sends JSON's type with every call."""
    if not body.strip():
        return {}
    if content_type.startswith("application/x-www-form-urlencoded"):
        return parse_nested(body.decode("utf-8", "replace"))
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        raise ApiError(400, {"error": "message body does not match declared format"}) from None
    if not isinstance(parsed, dict) or (_SURROGATE.search(body) and not _is_encodable(parsed)):
        raise ApiError(400, {"error": "message body does not match declared format"})
    return parsed


def _is_encodable(value: Any) -> bool:
    try:
        return bool(json.dumps(value, ensure_ascii=False).encode())
    except UnicodeEncodeError:
        return False


def check(raw: dict[str, Any], fields: dict[str, Field]) -> dict[str, Any]:
    """The values of `fields` that were sent, and the defaults of the others. Raises a 400 that names all faults."""
    problems: list[str] = []
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in raw or (raw[name] is None and not field.required):
            if field.required:
                problems.append(f"{name} is missing")
            elif field.default is not None:
                values[name] = field.default
            continue
        try:
            value = _convert(raw[name], field.kind)
        except ValueError:
            problems.append(f"{name} is invalid")
            continue
        if field.filled and value in ("", [], None):
            problems.append(f"{name} is empty")
        elif field.choices and any(
            item not in field.choices for item in (value if isinstance(value, list) else [value])
        ):
            problems.append(f"{name} does not have a valid value")
        else:
            values[name] = value
    if problems:
        raise invalid_parameters(problems)
    return values


def _convert(value: Any, kind: Kind) -> Any:
    if kind == "any":
        return value
    if kind == "text":
        return _text(value)
    if kind == "integer":
        return _integer(value)
    if kind == "boolean":
        return _boolean(value)
    if kind == "list":
        return _list(value)
    if kind == "integers":
        return (
            [_integer(item) for item in str(value).split(",")]
            if not isinstance(value, list)
            else [*map(_integer, value)]
        )
    if kind == "date":
        return datetime.fromisoformat(value).date() if value and isinstance(value, str) else _no_date(value)
    if kind == "moment":
        return _moment(_text(value))
    if not isinstance(value, dict):
        raise ValueError(kind)
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        raise ValueError("text")
    # Half a surrogate pair can be written in JSON and in no encoding: `encode` raises a ValueError for it.
    if b"\0" in value.encode():
        raise ValueError("text")
    return value


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str) or abs(number := int(value)) > 2**53:
        raise ValueError("integer")
    return number


def _boolean(value: Any) -> bool:
    word = str(value).lower()
    if isinstance(value, bool | int | str) and word in _TRUE | _FALSE:
        return word in _TRUE
    raise ValueError("boolean")


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, str):
        return [item for item in value.split(",") if item]
    raise ValueError("list")


def _no_date(value: Any) -> date | None:
    if value not in (None, ""):
        raise ValueError("date")
    return None
