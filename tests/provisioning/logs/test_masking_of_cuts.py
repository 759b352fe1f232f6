"""Whatever cuts a line on its way, no piece of a secret comes out: the property, and the cuts that were met."""

import base64
import json
import struct
from collections.abc import Sequence
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioning.logs.frames import LineAssembler
from provisioning.logs.redaction import MASK, MAX_LINE, MIN_PIECE, Redactor

# What surrounds secrets shares no letter with them: then each letter that comes out belongs to one.
SECRETS = st.lists(st.text("ABCDé/+ \\\"'", min_size=4, max_size=60).map(str.strip), max_size=5).filter(
    lambda found: all(len(secret) >= 4 for secret in found)
)
CUTS = st.lists(st.integers(min_value=0, max_value=2000), max_size=6)
FILLER = st.text("xyz|", max_size=30)
TIME = b"2026-12-01T00:00:00.000000000Z "


def pieces_of(secret: str) -> set[str]:
    text = secret.encode().decode("latin-1")
    return {text[at : at + MIN_PIECE] for at in range(len(text) - MIN_PIECE + 1)}


def assert_nothing_comes_out(shown: str, secrets: Sequence[str]) -> None:
    # In bytes, since a cut may fall into the middle of a character.
    text = shown.replace("\\xc3", "Ã").replace("\\xa9", "©").encode().decode("latin-1")
    plain = shown.encode().decode("latin-1")
    for secret in secrets:
        for piece in pieces_of(secret):
            assert piece not in text
            assert piece not in plain


def cut(data: bytes, at: Sequence[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in at)})
    return [data[start:end] for start, end in pairwise(edges)]


def line_of(secrets: Sequence[str], fillers: Sequence[str]) -> bytes:
    return "".join(filler + secret for filler, secret in zip(fillers, secrets, strict=False)).encode()


def frame(text: bytes, *, stream: int = 1) -> bytes:
    return struct.pack(">BxxxI", stream, len(TIME + text)) + TIME + text


@settings(max_examples=300, deadline=None)
@given(SECRETS, st.lists(FILLER, min_size=5, max_size=5), CUTS)
def test_a_line_that_was_cut_into_lines_shows_no_piece_of_a_secret(
    secrets: list[str], fillers: list[str], at: list[int]
) -> None:
    redactor = Redactor(secrets)
    for part in cut(line_of(secrets, fillers), at):
        assert_nothing_comes_out(redactor.line(part), secrets)


@settings(max_examples=200, deadline=None)
@given(SECRETS, st.lists(FILLER, min_size=5, max_size=5), CUTS, CUTS, st.integers(min_value=0, max_value=8))
def test_frames_and_chunks_of_any_size_make_the_same_line(
    secrets: list[str], fillers: list[str], frames: list[int], chunks: list[int], lost: int
) -> None:
    """Also if the engine dropped one of the frames, as it does once its buffer is full."""
    redactor = Redactor(secrets)
    content = line_of(secrets, fillers)
    parts = cut(content, frames) or [b""]
    whole = b"".join(frame(part) for part in [*parts[:-1], parts[-1] + b"\n"])
    assembler = LineAssembler(redactor.keep_bytes)
    [line] = [line for chunk in cut(whole, chunks) for line in assembler.feed(chunk)]
    shown = redactor.line(line.content, is_longer=line.is_longer, seams=line.seams)
    assert line.content == content
    assert_nothing_comes_out(shown, secrets)

    kept = [part for number, part in enumerate(parts) if number != lost % len(parts)]
    assembler = LineAssembler(redactor.keep_bytes)
    for line in assembler.feed(b"".join(frame(part) for part in [*kept, b"\n"])):
        assert_nothing_comes_out(redactor.line(line.content, seams=line.seams), secrets)


@given(st.text("ABCD", min_size=30, max_size=60), st.integers(min_value=-60, max_value=60))
def test_a_secret_at_the_bound_of_a_line_shows_no_piece(secret: str, shift: int) -> None:
    redactor = Redactor([secret])
    content = b"x" * (MAX_LINE + shift) + secret.encode() + b"y" * 10 * MAX_LINE
    assembler = LineAssembler(redactor.keep_bytes)
    parts = [content[start : start + MAX_LINE] for start in range(0, len(content), MAX_LINE)]
    [line] = assembler.feed(b"".join(frame(part) for part in parts) + frame(b"\n"))
    shown = redactor.line(line.content, is_longer=line.is_longer, seams=line.seams)
    assert_nothing_comes_out(shown, [secret])
    assert shown.endswith(" [CUT]")
    assert len(shown) <= MAX_LINE + len(MASK) + len(" [CUT]")


def test_frames_of_both_streams_between_each_other_do_not_cut_a_secret() -> None:
    redactor = Redactor(["first-secret-of-all"])
    assembler = LineAssembler(redactor.keep_bytes)
    data = frame(b"a first-sec", stream=1) + frame(b"of stderr\n", stream=2) + frame(b"ret-of-all z\n", stream=1)
    assert [redactor.line(line.content, seams=line.seams) for line in assembler.feed(data)] == [
        "of stderr",
        "a [MASKED] z",
    ]


def test_secrets_that_overlap_over_a_cut_leave_nothing() -> None:
    redactor = Redactor(["aaaaaaaabbbbbbbb", "bbbbbbbbcccccccc"])
    assert redactor.line(b"x aaaaaaaabbbbbbbbcccccccc y") == "x [MASKED] y"
    assert redactor.line(b"x aaaaaaaabbbbbbbbcc") == "x [MASKED]"
    assert redactor.line(b"cccccc y") == "cccccc y"
    assert redactor.line(b"bcccccccc y") == "[MASKED] y"


def test_a_line_that_is_the_middle_of_a_secret_is_masked_and_what_only_resembles_one_is_not() -> None:
    redactor = Redactor(["postgresql://user:pass@localhost:5432/database"])
    assert redactor.line(b"user:pass@localhost") == "[MASKED]"
    # The control: neither the rest of the secret nor its beginning stands at the edge.
    assert redactor.line(b"user:pass has signed in") == "user:pass has signed in"
    assert redactor.line(b"on localhost:5432 now") == "on localhost:5432 now"


SECRET = "p/äss w\"ord+1'&<"


@pytest.mark.parametrize(
    "form",
    [
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        quote(SECRET, safe="").lower(),
        quote(SECRET, safe=""),
        SECRET.replace("'", "\\'"),
        SECRET.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;").replace("'", "&#039;"),
        json.dumps(SECRET).strip('"'),
    ],
)
def test_forms_in_which_secrets_are_written(form: str) -> None:
    assert Redactor([SECRET]).line(f"it is {form} now".encode()) == "it is [MASKED] now"


@pytest.mark.parametrize("name", ["", "u", "us", "use", "user:", "somebody:"])
@pytest.mark.parametrize("more", ["", "!", "!!", " and more"])
def test_a_secret_within_base64_is_masked_wherever_it_begins(name: str, more: str) -> None:
    encoded = base64.b64encode((name + SECRET + more).encode()).decode()
    shown = Redactor([SECRET]).line(f"Authorization: Basic {encoded}".encode())
    assert "[MASKED]" in shown
    left = shown.replace("[MASKED]", "").removeprefix("Authorization: Basic ")
    # What is left is of the neighbours, and of at most one byte of the secret on each side.
    assert len(left) <= len(base64.b64encode((name + "..." + more).encode())) + 4
