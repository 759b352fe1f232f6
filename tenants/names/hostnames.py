"""What a domain name of the platform's may look like, and which names it makes below one. Pure."""

import re

import idna

from tenants.apps.choices import EnvironmentName
from tenants.exceptions import InvalidInput

# Room for `_berth-owner.cname.app999999999.test.` in front of it, within 253 bytes.
MAX_ZONE_BYTES = 200
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Special use (RFC 6761, RFC 7686, RFC 9476): no DNS answers for names below these.
_SPECIAL = {"arpa", "invalid", "onion", "alt", "local"}
_APP = r"app[1-9][0-9]*"
_MIDDLES = "|".join(re.escape(name) for name in EnvironmentName.values if name != EnvironmentName.PRODUCTION)


def zone_name(value: str, *, field: str = "name") -> str:
    """A zone's name in lower case, in A-labels. Raises `InvalidInput`.

    Letters of other scripts are refused rather than converted: what a zone is called must be what its servers hold.
    """
    text = value.removesuffix(".").lower()
    labels = text.split(".")
    if not text.isascii():
        raise InvalidInput.field(field, "has letters beyond ASCII: write the name in A-labels (xn--...)")
    if len(text) > MAX_ZONE_BYTES:
        raise InvalidInput.field(field, f"has {len(text)} bytes: use at most {MAX_ZONE_BYTES}")
    for label in labels:
        if not _LABEL.fullmatch(label):
            raise InvalidInput.field(
                field,
                f"has the label {label[:63]!r}: a label has 1 to 63 of a-z, 0-9 and '-', and no '-' at either end",
            )
        _check_a_label(label, field)
    if len(labels) < 2:
        raise InvalidInput.field(field, "has one label: name a domain below a top-level one")
    if _NUMERIC.fullmatch(labels[-1]):
        raise InvalidInput.field(field, "ends as an address does: name a domain")
    if labels[-1] in _SPECIAL:
        raise InvalidInput.field(field, f"ends with .{labels[-1]}, which is set aside for other uses: name a domain")
    return text


def _check_a_label(label: str, field: str) -> None:
    if label[2:4] != "--":
        return
    try:
        if not label.startswith("xn--") or idna.encode(idna.decode(label)).decode() != label:
            raise idna.IDNAError
    except idna.IDNAError:
        raise InvalidInput.field(field, f"has the label {label!r}, which is no valid A-label") from None


def platform_hostname(public_id: str, environment: str, zone: str) -> str:
    """Where an environment is reached: `app1000001.<zone>`, `app1000001.test.<zone>`."""
    middle = "" if environment == EnvironmentName.PRODUCTION else f".{environment}"
    return f"{public_id}{middle}.{zone}".lower()


def is_platform_hostname(name: str, zone: str) -> bool:
    """Whether `platform_hostname` could give this name for some app in `zone`."""
    return re.fullmatch(rf"{_APP}(?:\.(?:{_MIDDLES}))?\.{re.escape(zone)}", name) is not None


def is_within(name: str, zone: str) -> bool:
    return name == zone or name.endswith(f".{zone}")


def holds_names_of(inner: str, outer: str) -> bool:
    """Whether names that the platform makes in the zone `outer` would lie in the zone `inner`."""
    is_middle = re.fullmatch(rf"(?:{_MIDDLES})\.{re.escape(outer)}", inner) is not None
    return inner == outer or is_middle or is_platform_hostname(inner, outer)
