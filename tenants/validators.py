"""What a text from outside may look like. Each function gives the value back or raises `InvalidInput`."""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from typing import Any

from tenants.apps.choices import EnvironmentName, Fallback, Stack
from tenants.canonical import canonical_json
from tenants.exceptions import InvalidInput
from tenants.names.custom_names import hostname_custom as hostname_custom
from tenants.names.reserved import RESERVED_SLUGS, RESERVED_VARIABLE_PREFIXES, RESERVED_VARIABLES
from tenants.people.choices import MemberRole, TokenScope

MAX_VALUE_BYTES = 4096
# All variables of an environment travel as one CI variable, base64 in at most 10,000 characters.
MAX_VARIABLES_BYTES = 6000
MAX_TEXT = 5000
# As in the constraints of `Environment`.
LIMITS: dict[str, tuple[int, int]] = {
    "memory_mib": (32, 4096),
    "cpu_millis": (50, 4000),
    "pids": (16, 1024),
    "disk_mib": (8, 1024),
}
_SLUG = re.compile(r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_HEALTH_PATH = re.compile(r"/[A-Za-z0-9._~/%-]*(\?[A-Za-z0-9._~=&%-]*)?")
_REF_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]")
_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,149}")
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def together(*checks: Callable[[], Any]) -> None:
    """Runs every check and raises one `InvalidInput` that names all the fields they refused."""
    errors: dict[str, list[str]] = {}
    for check in checks:
        try:
            check()
        except InvalidInput as error:
            for field, messages in error.errors.items():
                errors.setdefault(field, []).extend(messages)
    if errors:
        first = next(iter(errors))
        raise InvalidInput(f"{first}: {errors[first][0]}", errors=errors)


def display_name(value: str, *, field: str = "name") -> str:
    """1 to 100 printable characters, no control or invisible formatting characters, no space at either end."""
    if not 1 <= len(value) <= 100:
        raise InvalidInput.field(field, f"has {len(value)} characters: use 1 to 100")
    if any(unicodedata.category(char) in _UNSEEN for char in value):
        raise InvalidInput.field(field, "has a control or invisible character: use printable characters only")
    if value != value.strip():
        raise InvalidInput.field(field, "starts or ends with a space: remove it")
    return value


def free_text(value: str, *, field: str) -> str:
    """Up to 5000 characters over several lines; of control characters only line break and tab."""
    if len(value) > MAX_TEXT:
        raise InvalidInput.field(field, f"has {len(value)} characters: use at most {MAX_TEXT}")
    if any(unicodedata.category(char) in {"Cc", "Cs"} and char not in "\n\t\r" for char in value):
        raise InvalidInput.field(field, "has a control character: use printable characters, line breaks and tabs")
    return value


def slug(value: str, *, field: str = "slug") -> str:
    """1 to 40 of a-z, 0-9 and '-', from a letter to a letter or digit; no reserved name, no 'xn--' kind of name."""
    if not _SLUG.fullmatch(value):
        raise InvalidInput.field(
            field, "is refused: use 1 to 40 of a-z, 0-9 and '-', starting with a letter, ending with a letter or digit"
        )
    if value[2:4] == "--":
        raise InvalidInput.field(field, "has '--' as third and fourth character, which DNS reserves: use another name")
    if value in RESERVED_SLUGS:
        raise InvalidInput.field(field, f"is reserved by the platform ({value}): use another name")
    return value


def username(value: str, *, field: str = "username") -> str:
    if not _USERNAME.fullmatch(value):
        raise InvalidInput.field(
            field, "is refused: use 1 to 150 of letters, digits and . _ @ + -, starting with a letter or digit"
        )
    return value


def service_account_name(value: str, *, field: str = "name") -> str:
    if not _SLUG.fullmatch(value):
        raise InvalidInput.field(
            field, "is refused: use 1 to 40 of a-z, 0-9 and '-', starting with a letter, ending with a letter or digit"
        )
    return value


def token_scopes(value: Collection[str], *, field: str = "scopes") -> frozenset[str]:
    unknown = sorted(set(value) - set(TokenScope.values))
    if unknown or not value:
        fault = f"has {unknown[0][:40]!r}" if unknown else "is empty"
        raise InvalidInput.field(field, f"{fault}: name one or more of {', '.join(TokenScope.values)}")
    return frozenset(value)


def stack(value: str, *, field: str = "stack") -> str:
    return _one_of(value, Stack.values, field)


def role(value: str, *, field: str = "role") -> str:
    return _one_of(value, MemberRole.values, field)


def fallback(value: str, *, field: str = "fallback") -> str:
    return _one_of(value, Fallback.values, field)


def environment_name(value: str, *, field: str = "environment") -> str:
    return _one_of(value, EnvironmentName.values, field)


def _one_of(value: str, allowed: list[str], field: str) -> str:
    if value not in allowed:
        raise InvalidInput.field(field, f"is none of {', '.join(allowed)}: use one of these")
    return value


def ref(value: str, *, field: str = "ref") -> str:
    """A branch, a tag, a full reference or a full or short SHA: what `git check-ref-format` takes, 255 at most.

    Nothing that git reads as an option, a range, a reflog entry or a path: '-x', 'a..b', 'a@{1}', 'a:b', 'a^'.
    """
    if not 1 <= len(value) <= 255 or len(value.encode("utf-8", "replace")) > 255:
        raise InvalidInput.field(field, "must have 1 to 255 bytes: name a branch, a tag or a commit")
    if _REF_FORBIDDEN.search(value) or any(unicodedata.category(char) in _UNSEEN for char in value):
        raise InvalidInput.field(
            field, "has a space, a control character or one of ~ ^ : ? * [ \\: name a branch, a tag or a commit"
        )
    parts = value.split("/")
    refused = (
        value.startswith(("-", "/"))
        or value.endswith((".", "/"))
        or value == "@"
        or ".." in value
        or "@{" in value
        or "//" in value
        or any(part.startswith(".") or part.endswith(".lock") for part in parts)
    )
    if refused:
        raise InvalidInput.field(field, "is not a name that git allows: name a branch, a tag or a commit")
    return value


def variable_name(value: str, *, field: str = "name") -> str:
    if not _VARIABLE.fullmatch(value):
        raise InvalidInput.field(field, "is refused: use 1 to 64 of A-Z, 0-9 and '_', starting with a letter")
    if value in RESERVED_VARIABLES or value.startswith(RESERVED_VARIABLE_PREFIXES):
        raise InvalidInput.field(
            field, f"is what a request or the platform sets for each worker ({value}): use another name"
        )
    return value


def variable_value(value: str, *, field: str = "value") -> str:
    """Up to 4096 bytes of UTF-8 without NUL. The message never repeats the value."""
    if "\x00" in value:
        raise InvalidInput.field(field, "has a NUL character: remove it")
    try:
        size_bytes = len(value.encode())
    except UnicodeEncodeError:
        raise InvalidInput.field(field, "is not valid Unicode text: remove lone surrogates") from None
    if size_bytes > MAX_VALUE_BYTES:
        raise InvalidInput.field(field, f"has {size_bytes} bytes: use at most {MAX_VALUE_BYTES}")
    return value


def variables_size(variables: Mapping[str, str], *, field: str = "value") -> None:
    """Refuses a set of variables that, as canonical JSON, is larger than can travel to the pipeline."""
    size_bytes = len(canonical_json(dict(variables)))
    if size_bytes > MAX_VARIABLES_BYTES:
        raise InvalidInput.field(
            field,
            f"would make the environment's variables {size_bytes} bytes together: shorten or remove some, "
            f"{MAX_VARIABLES_BYTES} are allowed",
        )


def health_check_path(value: str, *, field: str = "health_check_path") -> str:
    if len(value) > 200:
        raise InvalidInput.field(field, f"has {len(value)} characters: use at most 200")
    if not _HEALTH_PATH.fullmatch(value):
        raise InvalidInput.field(
            field, "is not a plain path: start with '/' and use letters, digits and . _ ~ / % -, then at most one '?'"
        )
    segments = value.split("?")[0].lower().replace("%2e", ".").replace("%2f", "/").split("/")
    if ".." in segments:
        raise InvalidInput.field(field, "has a '..' segment: name the path itself")
    return value


def limit(name: str, value: int) -> int:
    """One of `memory_mib`, `cpu_millis`, `pids`, `disk_mib`, in its range."""
    low, high = LIMITS[name]
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InvalidInput.field(name, f"must be a whole number from {low} to {high}")
    return value
