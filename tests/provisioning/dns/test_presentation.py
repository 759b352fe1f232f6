"""Values as zone files write them, there and back."""

import dns.rdata
import pytest
from dns.rdtypes.ANY.TXT import TXT

from provisioning.dns.presentation import MAX_QUOTED, from_presentation, quoted, to_presentation


@pytest.mark.parametrize(
    "text", ['"', "\\", '\\"', "a;b", "  ", "\\010", "(", "@", "x" * 255, *map(chr, range(32, 127))]
)
def test_a_text_comes_back_as_it_was_and_is_one_string_to_a_server(text: str) -> None:
    written = to_presentation("TXT", text)

    assert from_presentation("TXT", written) == text
    parsed = dns.rdata.from_text("IN", "TXT", written)
    assert isinstance(parsed, TXT)
    assert parsed.strings == (text.encode(),)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ('"one" "two"', "onetwo"),
        ("bare words", "barewords"),
        ('"a\\"b" c\\"d', 'a"bc"d'),
        ('"\\065\\\\\\059"', "A\\;"),
        ('"\\000\\010\\200\\999"', "\\000\\010\\200\\999"),
        ('"ü\x1b"', "\\195\\188\\027"),
        ('""', ""),
        ("", ""),
        ('"never ends', "neverends"),
    ],
)
def test_what_a_server_lists_is_joined_and_stays_printable(written: str, text: str) -> None:
    found = from_presentation("TXT", written)

    assert found == text
    assert found.isascii()
    assert found.isprintable() or not found


@pytest.mark.parametrize(
    ("type_", "written", "value"),
    [
        ("A", "192.0.2.1", "192.0.2.1"),
        ("AAAA", "2001:DB8:0::1", "2001:db8::1"),
        ("CNAME", "Target.Example.", "target.example"),
        ("CNAME", ".", ""),
        ("CNAME", "odd\\@name.example.", "odd\\@name.example"),
        ("A", "no address", "no address"),
        ("MX", "10 Mail.example.", "10 Mail.example."),
    ],
)
def test_other_values_take_the_form_of_records(type_: str, written: str, value: str) -> None:
    assert from_presentation(type_, written) == value


def test_a_target_is_absolute() -> None:
    assert to_presentation("CNAME", "target.example") == "target.example."


def test_what_a_server_said_is_short_printable_and_without_secrets() -> None:
    said = quoted("first\r\nsecond \x1b[31m\u202e s3cret " + "x" * 1_000, "s3cret")

    assert said.startswith("first second ?[31m? [secret] xxx")
    assert said.isprintable()
    assert len(said) == MAX_QUOTED
