"""Bodies are JSON, and nothing that two readers could read differently."""

import json
import math
import re
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from paas.api.errors import BodyTooLarge

MAX_DEPTH = 20
# Strings are skipped as a whole, so that a bracket inside one does not count.
_BRACKET_OR_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)


class StrictJSONParser(BaseParser):
    """UTF-8 JSON of at most `DATA_UPLOAD_MAX_MEMORY_SIZE` bytes and 20 levels; no name twice, no NaN, no infinity."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        limit_bytes = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 1024 * 1024
        declared = (parser_context or {})["request"].META.get("CONTENT_LENGTH") or "0"
        body = b"" if declared.isdigit() and int(declared) > limit_bytes else stream.read(limit_bytes + 1)
        if len(body) > limit_bytes or (declared.isdigit() and int(declared) > limit_bytes):
            raise BodyTooLarge(f"the body is larger than {limit_bytes} bytes: send less")
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise ParseError("the body is not UTF-8: send JSON in UTF-8") from None
        _refuse_depth(text)
        try:
            return json.loads(
                text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite_float
            )
        except (ValueError, RecursionError) as error:
            where = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
            raise ParseError(f"the body is not JSON{where}: send one JSON object") from None


def _refuse_depth(text: str) -> None:
    depth = 0
    for match in _BRACKET_OR_STRING.finditer(text):
        if match[0] in "[{":
            depth += 1
        elif match[0] in "]}":
            depth -= 1
        if depth > MAX_DEPTH:
            raise ParseError(f"the body is nested deeper than {MAX_DEPTH} levels: flatten it")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for name, value in pairs:
        if name in read:
            raise ParseError(f"the body names {name[:64]!r} twice: name it once")
        read[name] = value
    return read


def _refuse_constant(name: str) -> Any:
    raise ParseError(f"the body has {name}, which is not JSON: send a finite number")


def _finite_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ParseError("the body has a number that is too large: send a smaller one")
    return number
