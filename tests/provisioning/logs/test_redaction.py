"""No secret and no control character of a plugin's output reaches a reader."""

import base64
import json
from urllib.parse import quote

import pytest

from provisioning.logs.redaction import MAX_LINE, Redactor

SECRET = 's3cr3t/p\u00e4ss w"ord+1'


def test_line_without_secrets_is_shown_as_it_is() -> None:
    assert (
        Redactor([SECRET]).line("a caf\u00e9 \N{GRINNING FACE}\tand a tab".encode())
        == "a caf\u00e9 \N{GRINNING FACE}\tand a tab"
    )


@pytest.mark.parametrize(
    "shown",
    [
        SECRET,
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        json.dumps(SECRET)[1:-1].replace("/", "\\/"),
        quote(SECRET),
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_secret_is_masked_however_a_log_writes_it(shown: str) -> None:
    assert Redactor([SECRET]).line(f"password={shown}; next".encode()).startswith("password=[MASKED]")
    assert shown not in Redactor([SECRET]).line(f"password={shown}; next".encode())
    # The control: without the secret known, the line shows it.
    assert shown in Redactor(["something else"]).line(f"password={shown}; next".encode())


def test_each_line_of_a_secret_of_several_lines_is_masked() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----"
    redactor = Redactor([key])
    shown = [redactor.line(line.encode()) for line in f"before\n{key}\nafter".split("\n")]
    assert shown == ["before", "[MASKED]", "[MASKED]", "[MASKED]", "[MASKED]", "after"]


def test_secrets_that_overlap_leave_no_end_behind() -> None:
    assert Redactor(["abcdef", "defghi"]).line(b"x abcdefghi y") == "x [MASKED] y"


def test_every_appearance_is_masked() -> None:
    assert Redactor(["hunter22"]).line(b"hunter22 and hunter22, hunter22hunter22") == (
        "[MASKED] and [MASKED], [MASKED]"
    )


def test_short_values_are_no_secrets_that_can_be_masked() -> None:
    assert Redactor(["no", "abc"]).line(b"no abc here") == "no abc here"


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (b"\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        (b"\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        (b"bell\x07 back\x08 nul\x00 del\x7f", "bell\\x07 back\\x08 nul\\x00 del\\x7f"),
        (b"one\rtwo", "one\\x0dtwo"),
        ("c1\x9b31m".encode(), "c1\\u009b31m"),
        ("rtl\u202eevil".encode(), "rtl\\u202eevil"),
        ("line\u2028separator".encode(), "line\\u2028separator"),
        ("a\u200d\u200c\u3164\u00ad\ufe0f\U000e0041b".encode(), "a\\u200d\\u200c\\u3164\\u00ad\\ufe0f\\U000e0041b"),
        (b"\xff\xfe not utf-8", "\\xff\\xfe not utf-8"),
    ],
)
def test_control_characters_are_written_out(content: bytes, shown: str) -> None:
    assert Redactor().line(content) == shown


def test_long_line_is_cut_and_says_so() -> None:
    assert Redactor().line(b"x" * MAX_LINE) == "x" * MAX_LINE
    assert Redactor().line(b"x" * (MAX_LINE + 1)) == "x" * MAX_LINE + " [CUT]"


@pytest.mark.parametrize("before", range(MAX_LINE - 12, MAX_LINE + 2))
def test_secret_at_the_cut_is_not_shown_in_part(before: int) -> None:
    redactor = Redactor(["topsecret"])
    line = (b"x" * before + b"topsecret" + b"y" * MAX_LINE * 5)[: redactor.keep_bytes]
    shown = redactor.line(line, is_longer=True)
    assert shown.replace("[MASKED]", "").replace(" [CUT]", "").strip("xy") == ""
    assert shown.endswith(" [CUT]")
