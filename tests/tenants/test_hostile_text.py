"""Unseen characters are written out by one table for differences, pages and logs."""

import unicodedata

import pytest

from provisioning.logs.redaction import Redactor
from tenants.hostile_text import shown_bytes, shown_path, written_out

SEEN = "if ($größe > 1) { echo 'x'; } // 中文 ελληνικά עברית 🙂 e\u0301"


@pytest.mark.parametrize(
    "char",
    [
        *"\x00\x07\x08\n\x0b\x0c\r\x1b\x7f\x85\xa0\xad",
        *"\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180e\u180f\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202e",
        *"\u2060\u2064\u2066\u2069\u206a\u2800\u3164\ufe00\ufe0f\ufeff\uffa0\ufff9\ue000\ud800\u0378\u2003",
        *"\U0001d173\U000e0001\U000e0041\U000e007f\U000e0100\U000e01ef\U0010ffff",
    ],
)
def test_unseen_characters_are_written_out(char: str) -> None:
    shown = written_out(f"a{char}b")
    assert char not in shown
    assert shown.isprintable()
    assert f"{ord(char):x}" in shown


def test_text_that_is_seen_stays() -> None:
    assert written_out(SEEN) == SEEN
    assert written_out("\tindented") == "\tindented"
    assert shown_bytes(SEEN.encode()) == SEEN


def test_no_format_or_control_character_of_all_of_unicode_passes() -> None:
    hidden = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
    every = "".join(map(chr, range(0x110000)))
    passed = [char for char in set(written_out(every)) if unicodedata.category(char) in hidden]
    assert passed == ["\t"]


def test_logs_write_out_what_differences_do() -> None:
    hostile = "a\u200c\u200d\u3164\u115f\uffa0\u00ad\U000e0041\ufe0fb"
    assert Redactor().line(hostile.encode()) == written_out(hostile)


def test_names_are_never_shown_alike() -> None:
    names = [
        b"\xff",
        b"\\xff",
        "\u00ff".encode(),
        b"\\\\xff",
        "\u0085".encode(),
        b"\x85",
        b"a\nb",
        b"a\\nb",
        b"a\\x0ab",
    ]
    shown = [shown_path(name) for name in names]
    assert len(set(shown)) == len(names)
    assert shown_path(b"src/caf\xe9.php") == "src/caf\\xe9.php"
    assert shown_path("src/café.php".encode()) == "src/café.php"
