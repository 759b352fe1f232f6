"""The forms in which a log may show a secret.

Whole, each line of it, and as JSON, a URL, HTML, PHP's quoting, hexadecimal or base64 would write it: in base64 also
in the middle of something longer, as in `Authorization: Basic`. What a plugin encrypts, compresses, turns around or
writes letter by letter is not found: a mask keeps secrets from being shown by accident, not from being told on purpose.
"""

import base64
import html
import json
from urllib.parse import quote, quote_plus

# In characters. Shorter ones, and a bare mask, would black out half of every line.
MIN_SECRET = 4
# What base64 makes of the middle of a text depends on the bytes around it; so many characters of it must not.
_MIN_BASE64 = 6


def appearances(secret: str) -> set[bytes]:
    """Empty for a secret that is shorter than `MIN_SECRET`."""
    found: set[str] = set()
    for piece in {secret, *secret.splitlines(), *(line.strip() for line in secret.splitlines())}:
        if len(piece.strip()) < MIN_SECRET:
            continue
        found |= {piece, piece.strip()} | _escaped(piece) | _in_url(piece) | _in_base64(piece.encode())
        found |= {piece.encode().hex(), piece.encode().hex().upper()}
    return {form.encode() for form in found if len(form) >= MIN_SECRET}


def _escaped(piece: str) -> set[str]:
    as_json = {json.dumps(piece)[1:-1], json.dumps(piece, ensure_ascii=False)[1:-1]}
    in_php = piece.replace("\\", "\\\\").replace("'", "\\'")
    return {
        *as_json,
        *(form.replace("/", "\\/") for form in as_json),
        in_php,
        in_php.replace('"', '\\"'),
        html.escape(piece),
        html.escape(piece).replace("&#x27;", "&#039;"),
    }


def _in_url(piece: str) -> set[str]:
    forms = {quote(piece, safe=""), quote(piece), quote_plus(piece)}
    return forms | {_lower_escapes(form) for form in forms}


def _lower_escapes(form: str) -> str:
    first, *rest = form.split("%")
    return "%".join([first, *(part[:2].lower() + part[2:] for part in rest)])


def _in_base64(content: bytes) -> set[str]:
    """At each of the three places where it can begin; of the last two without what depends on its neighbours."""
    found = {base64.b64encode(content).decode().rstrip("=")}
    for before, lost in ((0, 0), (1, 2), (2, 3)):
        encoded = base64.b64encode(bytes(before) + content).decode()
        found.add(encoded[lost : (before + len(content)) * 8 // 6])
    found = {form for form in found if len(form) >= _MIN_BASE64}
    return found | {form.translate(_URL_SAFE) for form in found} | {form.replace("/", "\\/") for form in found}


_URL_SAFE = str.maketrans("+/", "-_")
