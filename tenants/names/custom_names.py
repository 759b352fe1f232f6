"""What a domain of a customer's own may be called, and which of those names deserve a second look.

A name is taken as people type it (UTS #46), then held to IDNA 2008, and kept in A-labels: what nginx, certificates and
name servers compare. Every refusal names the field, the fault and the remedy.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Iterable
from functools import cache

import idna
from confusable_homoglyphs import categories, confusables
from django.conf import settings
from publicsuffixlist import PublicSuffixList

from tenants.exceptions import InvalidInput

MAX_NAME_BYTES = 253
MAX_LABEL_BYTES = 63
# `_berth-challenge.` stands in front of the name in the DNS, and the whole has at most 253 bytes.
MAX_CUSTOM_BYTES = 236
# Far more than any name may have, in any script: what is longer is not looked at.
_MAX_TYPED = 1000
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# How the last label of an address looks, in every form that URL parsers take: 1.2.3.4, 2130706433, 0x7f.1, 0177.1.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Other characters that software takes for the dot between two labels.
_DOTS = "\u3002\uff0e\uff61"
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}
# RFC 2606, 6761, 6762, 7686, 8375, 9476, and what networks use for themselves without having asked.
_RESERVED = """
alt arpa corp example example.com example.net example.org home home.arpa internal intranet invalid lan local
localdomain localhost mail onion private test
"""
RESERVED_SUFFIXES = frozenset(_RESERVED.split())
# Which scripts make up one writing (UTS #39, section 5.2, highly restrictive). Every one may stand beside Latin.
_WRITINGS = (
    {"LATIN", "HAN", "HIRAGANA", "KATAKANA"},
    {"LATIN", "HAN", "BOPOMOFO"},
    {"LATIN", "HAN", "HANGUL"},
)


def hostname_custom(value: str, *, field: str = "hostname") -> str:
    """The name in A-labels, in lower case, without the dot at its end. Raises `InvalidInput`.

    Whether it is one of the platform's own is asked of `refuse_platforms_own`.
    """
    typed = value.removesuffix(".")
    _refuse_more_than_a_name(value, field)
    if len(typed) > _MAX_TYPED:
        raise InvalidInput.field(field, f"has {len(typed)} characters: a name has at most {MAX_CUSTOM_BYTES}")
    _refuse_odd_characters(typed, field)
    labels = [_a_label(label, field) for label in _mapped(typed, field).split(".")]
    name = ".".join(labels)
    _refuse_direction(labels, field)
    if _NUMBER.fullmatch(labels[-1]):
        raise InvalidInput.field(field, "is an IP address: give a name, and let its records have the address")
    if len(name) > MAX_CUSTOM_BYTES:
        raise InvalidInput.field(
            field,
            f"has {len(name)} bytes in A-labels: use at most {MAX_CUSTOM_BYTES}, since a name in the DNS has at most "
            f"{MAX_NAME_BYTES} and the proof stands in front of it",
        )
    _refuse_reserved(name, labels, field)
    return name


def registrable_of(name: str, *, field: str = "hostname") -> str:
    """What somebody has registered: `example.co.uk` for `www.example.co.uk`. Raises `InvalidInput` for a public suffix
    and for what is below none.
    """
    for suffix in _own_suffixes():
        if name.endswith(f".{suffix}"):
            own = name.removesuffix(f".{suffix}").rpartition(".")[2]
            return f"{own}.{suffix}"
    registrable = _suffixes().privatesuffix(name)
    if registrable is not None:
        return registrable
    if _suffixes().publicsuffix(name) == name:
        raise InvalidInput.field(
            field, f"{name} is a public suffix, below which anybody may have names: give a name below it"
        )
    raise InvalidInput.field(
        field, f"{name} ends in no suffix of the public DNS: give a name that the whole world can look up"
    )


def refuse_platforms_own(name: str, own: Iterable[str], *, field: str = "hostname") -> None:
    """Raises `InvalidInput` where `name` is one of the names `own`, or is above or below one."""
    if any(is_related(name, other) for other in own):
        raise InvalidInput.field(
            field, "is the platform's own, or above or below a name of the platform: give a name of a domain of yours"
        )


def is_related(name: str, other: str) -> bool:
    """Whether they are the same, or one is above the other."""
    return name == other or name.endswith(f".{other}") or other.endswith(f".{name}")


def in_unicode(name: str) -> str:
    """What people read: U-labels where there are any."""
    try:
        return idna.decode(name)
    except idna.IDNAError:
        return name


def is_mixed_script(name: str) -> bool:
    """Whether a label mixes scripts that no writing mixes, or is of one script and could be read as Latin.

    Both are legal, and now and then right. A person must look.
    """
    return any(_looks_like_another(label) for label in in_unicode(name).split(".") if not label.isascii())


def _looks_like_another(label: str) -> bool:
    scripts = categories.unique_aliases(label) - {"COMMON", "INHERITED"}
    if len(scripts) > 1:
        return not any(scripts <= writing for writing in _WRITINGS)
    if scripts == {"LATIN"}:
        return False
    letters = {char for char in label if unicodedata.category(char).startswith("L")}
    found = confusables.is_confusable(label, greedy=True, preferred_aliases=["latin"]) or []
    alike = {entry["character"] for entry in found if any(_is_latin(glyph["c"]) for glyph in entry["homoglyphs"])}
    return letters <= alike


def _is_latin(text: str) -> bool:
    return text.isascii() and text.isalnum()


def _refuse_more_than_a_name(value: str, field: str) -> None:
    if not value:
        raise InvalidInput.field(field, "is empty: give a name like plugin.example.com")
    if _is_ipv6(value):
        raise InvalidInput.field(field, "is an IP address: give a name, and let its records have the address")
    if any(char in value for char in ":/?#@\\"):
        raise InvalidInput.field(
            field, "is more than a name: leave out the scheme, user, port and path, as in plugin.example.com"
        )
    if "*" in value:
        raise InvalidInput.field(field, "has a wildcard: give each name by itself")


def _is_ipv6(value: str) -> bool:
    try:
        ipaddress.IPv6Address(value.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return True


def _refuse_odd_characters(typed: str, field: str) -> None:
    for char in typed:
        if unicodedata.category(char) in _UNSEEN:
            raise InvalidInput.field(
                field, f"has a space, a control or an invisible character (U+{ord(char):04X}): remove it"
            )
        if char in _DOTS:
            raise InvalidInput.field(field, f"has U+{ord(char):04X} in place of a dot: use '.'")
        if char == "_":
            raise InvalidInput.field(field, "has an underscore, which no host has: use letters, digits and '-'")


def _mapped(typed: str, field: str) -> str:
    try:
        mapped = idna.uts46_remap(typed, std3_rules=True, transitional=False)
    except idna.IDNAError:
        raise InvalidInput.field(field, f"has {_culprit(typed)}: use letters, digits and '-'") from None
    if mapped.count(".") != typed.count("."):
        raise InvalidInput.field(field, "has a character that stands for a dot: use '.'")
    return mapped


def _culprit(typed: str) -> str:
    for char in typed:
        if char.isascii() and not char.isalnum() and char not in "-.":
            return f"the character {char!r}"
        try:
            idna.uts46_remap(char, std3_rules=True, transitional=False)
        except idna.IDNAError:
            return f"a character (U+{ord(char):04X}) that no name has"
    return "a character that no name has"


def _a_label(label: str, field: str) -> str:
    """One label in its only form. Raises `InvalidInput`."""
    if not label:
        raise InvalidInput.field(field, "has an empty label, two dots in a row or one in front: remove one")
    if label.startswith("-") or label.endswith("-"):
        raise InvalidInput.field(field, "has a label that starts or ends with '-': remove it")
    if len(label) > MAX_LABEL_BYTES:
        raise InvalidInput.field(field, f"has a label of {len(label)} characters: use at most {MAX_LABEL_BYTES}")
    if label.isascii() and not label.startswith("xn--"):
        if not _LABEL.fullmatch(label):
            raise InvalidInput.field(field, "has a character that no name has: use letters, digits and '-'")
        if label[2:4] == "--":
            raise InvalidInput.field(field, "has '--' as third and fourth character of a label: use another name")
        return label
    try:
        # Strict, there and back: no label that only some software reads.
        encoded = idna.alabel(label if not label.isascii() else idna.ulabel(label)).decode()
    except idna.IDNAError:
        raise InvalidInput.field(
            field, "has a label that IDNA 2008 does not allow, by its characters or their order: use another name"
        ) from None
    if label.isascii() and encoded != label:
        raise InvalidInput.field(field, "has a label that is no A-label of any name: type it as people read it")
    if len(encoded) > MAX_LABEL_BYTES:
        raise InvalidInput.field(
            field, f"has a label of {len(encoded)} characters in A-labels: use at most {MAX_LABEL_BYTES}"
        )
    return encoded


def _refuse_direction(labels: list[str], field: str) -> None:
    """RFC 5893: where one label is written from right to left, all must keep their place in the line."""
    shown = [idna.ulabel(label) for label in labels]
    if any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for label in shown for char in label):
        try:
            for label in shown:
                idna.check_bidi(label, check_ltr=True)
        except idna.IDNAError:
            raise InvalidInput.field(
                field, "mixes writing directions in a way that shows it in another order: use another name"
            ) from None


def _refuse_reserved(name: str, labels: list[str], field: str) -> None:
    own = _own_suffixes()
    if name in own or len(labels) < 2:
        raise InvalidInput.field(field, "is a single label or a suffix: give a whole name like plugin.example.com")
    if any(name.endswith(f".{suffix}") for suffix in own):
        return
    suffix = next((found for found in sorted(RESERVED_SUFFIXES) if name == found or name.endswith(f".{found}")), None)
    if suffix is not None:
        raise InvalidInput.field(field, f"is below {suffix}, which is reserved: give a name that is yours in the DNS")
    registrable_of(name, field=field)


def _own_suffixes() -> list[str]:
    """Those of a private network that an operator vouches for."""
    return [suffix.strip(".").lower() for suffix in settings.CUSTOM_DOMAIN_SUFFIXES]


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False)
