"""Record sets as Berth sees them, whatever a vendor calls them: pure values, no rows, no settings."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

# What Berth makes, changes and removes. Of any other type it takes note, and leaves it alone.
TYPES = ("A", "AAAA", "CNAME", "TXT")
MAX_NAME_BYTES = 253
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# A character string of a TXT record (RFC 1035, section 3.3.14).
TXT_STRING_BYTES = 255


@dataclass(frozen=True, order=True)
class RecordSet:
    """All records of one name and type (an RRset: RFC 2181, section 5).

    `name` is absolute, in lower case, in A-labels, without the dot at its end; its first label may be `*`. `values` are
    sorted, without doubles, each as `canonical_value` gives it. `type` may be any in what a provider lists.
    """

    name: str
    type: str
    values: tuple[str, ...]
    ttl_s: int

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.type


@dataclass(frozen=True)
class Change:
    """One record set from `before` (None: there is none) to `after` (None: there shall be none)."""

    before: RecordSet | None
    after: RecordSet | None

    @property
    def key(self) -> tuple[str, str]:
        record = self.after or self.before
        if record is None:
            raise ValueError("a change from nothing to nothing")
        return record.key


def record_set(name: str, type_: str, values: Iterable[str], ttl_s: int) -> RecordSet:
    """A checked record set of a type that Berth makes. Raises `ValueError` that names the field at fault."""
    if type_ not in TYPES:
        raise ValueError(f"type: {type_[:20]!r} is none of {', '.join(TYPES)}")
    found = tuple(sorted({canonical_value(type_, value) for value in values}))
    if not found:
        raise ValueError("values: a record set has at least one")
    if type_ == "CNAME" and len(found) > 1:
        raise ValueError("values: a CNAME has exactly one")
    if type(ttl_s) is not int or not 1 <= ttl_s <= 7 * 86_400:
        raise ValueError(f"ttl_s: {ttl_s!r} is no whole number from 1 to 604800")
    return RecordSet(canonical_name(name), type_, found, ttl_s)


def canonical_name(name: str) -> str:
    """`name` in lower case, without the dot at its end. Raises `ValueError` for what no record may be named.

    Labels may begin with an underscore (`_berth-owner`); the first may be `*`.
    """
    text = name.removesuffix(".").lower()
    labels = text.removeprefix("*.").split(".")
    if len(text) > MAX_NAME_BYTES or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"name: {name[:80]!r} is no name of a record")
    return text


def canonical_value(type_: str, value: str) -> str:
    """An address as `ipaddress` writes it, a CNAME's target as `canonical_name` does, a TXT's text without quotes."""
    match type_:
        case "A" | "AAAA":
            return _canonical_address(type_, value)
        case "CNAME":
            return canonical_name(value)
        case _:
            if not value.isascii() or not value.isprintable() or not 1 <= len(value) <= TXT_STRING_BYTES:
                raise ValueError("values: a TXT has 1 to 255 printable ASCII characters")
            return value


def _canonical_address(type_: str, value: str) -> str:
    try:
        address = ipaddress.IPv4Address(value) if type_ == "A" else ipaddress.IPv6Address(value)
    except ValueError as exc:
        raise ValueError(f"values: {value[:50]!r} is no address for a record of type {type_}") from exc
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        raise ValueError(f"values: {value[:50]!r} names an interface, which no record can")
    return str(address)


def is_in_zone(name: str, zone: str) -> bool:
    return name == zone or name.endswith(f".{zone}")
