"""Values as zone files, PowerDNS and many vendors write them (RFC 1035, section 5.1), and as `records` has them."""

import re

from provisioning.dns.records import canonical_value

_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"|((?:[^\s"\\]|\\.)+)', re.DOTALL)
_ESCAPE = re.compile(r"\\(\d{3}|.)", re.DOTALL)
MAX_QUOTED = 200


def to_presentation(type_: str, value: str) -> str:
    """A checked value of a record set as a server takes it: a target with its dot, a TXT in quotes."""
    match type_:
        case "CNAME":
            return f"{value}."
        case "TXT":
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case _:
            return value


def from_presentation(type_: str, text: str) -> str:
    """What a server lists, as `records` has it; what it has no form for, and all other types, as they stand.

    The strings of a TXT are joined. Its bytes that are no printable ASCII stay escaped: `\\010`.
    """
    match type_:
        case "A" | "AAAA" | "CNAME":
            try:
                return canonical_value(type_, text)
            except ValueError:
                return text.removesuffix(".").lower()
        case "TXT":
            return "".join(_unescaped(quoted or bare) for quoted, bare in _STRING.findall(text))
        case _:
            return text


def _unescaped(text: str) -> str:
    if "\\" in text:
        text = _ESCAPE.sub(_meant, text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        letter if letter.isascii() and letter.isprintable() else "".join(f"\\{byte:03d}" for byte in letter.encode())
        for letter in text
    )


def _meant(escape: re.Match[str]) -> str:
    text = escape[1]
    if not text.isdecimal() or len(text) < 3:
        return text
    return chr(int(text)) if 32 <= int(text) < 127 else escape[0]


def quoted(text: str, *secrets: str) -> str:
    """What a server said, for a message to people: short, printable, and without `secrets` should it repeat them."""
    for secret in secrets:
        text = text.replace(secret, "[secret]")
    line = " ".join(text.split())
    return "".join(letter if letter.isprintable() else "?" for letter in line)[:MAX_QUOTED]
