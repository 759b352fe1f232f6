"""Which records are Berth's: beside each stands a TXT record that says who made it and for which app. Pure.

As external-dns does, the registry record stands at a name of its own, so that it gets along with a CNAME, and for each
type. It is written before the record that it speaks of, and removed after it: what has none was not made by Berth.
"""

import re
from dataclasses import dataclass

from provisioning.dns.records import MAX_NAME_BYTES, TYPES, RecordSet, canonical_name, is_in_zone, record_set

PREFIX = "_berth-owner"
PLATFORM = "platform"
TTL_S = 300
_WILDCARD = "_wildcard"
_TEXT = re.compile(r"heritage=berth,owner=([a-z0-9-]{1,64}),app=(app[1-9][0-9]{0,15}|platform)")


@dataclass(frozen=True)
class Ownership:
    """`owner` is one installation's hold on one zone; `app` a public id, or `platform`."""

    owner: str
    app: str

    @property
    def text(self) -> str:
        return f"heritage=berth,owner={self.owner},app={self.app}"


def parsed(record: RecordSet) -> Ownership | None:
    """What a registry record says. None for anything but exactly one text as Berth writes it."""
    if record.type != "TXT" or len(record.values) != 1:
        return None
    match = _TEXT.fullmatch(record.values[0])
    return Ownership(match[1], match[2]) if match else None


def registry_name(name: str, type_: str) -> str:
    """`_berth-owner.a.app1000001.example.com`; of `*.example.com` it is `_berth-owner.a._wildcard.example.com`."""
    first, dot, rest = name.partition(".")
    plain = f"{_WILDCARD}{dot}{rest}" if first == "*" else name
    text = f"{PREFIX}.{type_.lower()}.{plain}"
    if len(text) > MAX_NAME_BYTES:
        raise ValueError(f"name: {name[:80]!r} is too long to have a registry record beside it")
    return text


def registered_key(registry: str, zone: str) -> tuple[str, str] | None:
    """The name and type that a registry record at this name speaks of. None for one that can be no record of ours:
    of another type, outside of the zone, or at its apex.
    """
    prefix, _, rest = registry.partition(".")
    type_, _, plain = rest.partition(".")
    if prefix != PREFIX or type_ != type_.lower() or type_.upper() not in TYPES:
        return None
    first, dot, tail = plain.partition(".")
    name = f"*{dot}{tail}" if first == _WILDCARD else plain
    try:
        name = canonical_name(name)
    except ValueError:
        return None
    return (name, type_.upper()) if is_in_zone(name, zone) and name != zone else None


def registry_record(name: str, type_: str, ownership: Ownership) -> RecordSet:
    return record_set(registry_name(name, type_), "TXT", [ownership.text], TTL_S)
