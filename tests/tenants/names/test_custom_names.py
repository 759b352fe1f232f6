"""What a domain of a customer's own may be called: the promises in the messages, and what hostile texts get."""

import re

import pytest
from django.conf import LazySettings
from hypothesis import given
from hypothesis import strategies as st

from tenants import validators
from tenants.exceptions import InvalidInput
from tenants.names import custom_names

# "apple" in Cyrillic, "paypal" with two letters in Cyrillic, "oo" in Greek.
CYRILLIC_APPLE = "\u0430\u0440\u0440\u04cf\u0435"
MIXED_PAYPAL = "p\u0430yp\u0430l"
GREEK_OMICRONS = "\u03bf\u03bf"


def refusal(name: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        validators.hostname_custom(name)
    assert list(caught.value.errors) == ["hostname"]
    return caught.value.detail


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("plugin.customer.test", "plugin.customer.test"),
        ("Plugin.Customer.TEST", "plugin.customer.test"),
        ("plugin.customer.test.", "plugin.customer.test"),
        ("customer.test", "customer.test"),
        ("a-b.customer.test", "a-b.customer.test"),
        ("3.customer.test", "3.customer.test"),
        ("www.bbc.co.uk", "www.bbc.co.uk"),
        ("somebody.github.io", "somebody.github.io"),
        ("bücher.customer.test", "xn--bcher-kva.customer.test"),
        ("BÜCHER.customer.test", "xn--bcher-kva.customer.test"),
        ("XN--bcher-KVA.customer.test", "xn--bcher-kva.customer.test"),
        # Not "strasse", which is another name.
        ("straße.customer.test", "xn--strae-oqa.customer.test"),
        # As an input method for Japanese types Latin letters.
        ("\uff50\uff4c\uff55\uff47.customer.test", "plug.customer.test"),
        # Composed and decomposed are one name.
        ("u\u0308ber.customer.test", "xn--ber-goa.customer.test"),
        ("\u5e97.customer.test", "xn--hxt.customer.test"),
        ("\u05e9\u05dc\u05d5\u05dd.customer.test", "xn--9dbne9b.customer.test"),
        (f"{'a' * 63}.customer.test", f"{'a' * 63}.customer.test"),
    ],
)
def test_a_name_is_kept_in_a_labels_however_it_is_typed(typed: str, kept: str) -> None:
    assert validators.hostname_custom(typed) == kept
    assert validators.hostname_custom(kept) == kept
    assert validators.hostname_custom(custom_names.in_unicode(kept)) == kept


def test_people_read_u_labels() -> None:
    assert custom_names.in_unicode("xn--bcher-kva.customer.test") == "bücher.customer.test"
    assert custom_names.in_unicode("plain.customer.test") == "plain.customer.test"


REFUSED = {
    "a label of 64 characters": (f"{'a' * 64}.customer.test", "label of 64 characters: use at most 63"),
    "a label that is too long in A-labels": (f"{'ü' * 60}.customer.test", "label"),
    "an underscore": ("my_app.customer.test", "underscore"),
    "a leading hyphen": ("-a.customer.test", "starts or ends with '-'"),
    "a trailing hyphen": ("a-.customer.test", "starts or ends with '-'"),
    "hyphens where A-labels have them": ("ab--c.customer.test", "'--' as third and fourth"),
    "what looks like an A-label": ("xn--a.customer.test", "IDNA 2008"),
    "an A-label of what needs none": ("xn--abc-.customer.test", "'-'"),
    "an A-label of what has a capital": ("xn--Bcher-kva8445.customer.test", "label"),
    "a control character": ("a\x07.customer.test", "U+0007"),
    "a NUL": ("a\x00.customer.test", "U+0000"),
    "a newline": ("a.customer.test\n", "U+000A"),
    "a space": ("a b.customer.test", "U+0020"),
    "a space around it": (" a.customer.test", "U+0020"),
    "a semicolon": ("a.customer.test;x", "';'"),
    "a brace": ("a{.customer.test", "'{'"),
    "a dollar": ("${host}.customer.test", "'$'"),
    "a quote": ('a".customer.test', "'\"'"),
    "a regular expression": ("~^(.+)$.customer.test", "'~'"),
    "configuration": ("a.customer.test; } server { listen 80; }", "U+0020"),
    "a dot that is none": ("a\uff0ecustomer.test", "U+FF0E in place of a dot"),
    "an ideographic dot": ("a\u3002customer.test", "U+3002 in place of a dot"),
    "three dots in one": ("a\u2026customer.test", "U+2026"),
    "a slash in a letter": ("\u2100.customer.test", "U+2100"),
    "a zero width joiner": ("a\u200db.customer.test", "U+200D"),
    "a zero width space": ("a\u200bb.customer.test", "U+200B"),
    "a soft hyphen": ("a\u00adb.customer.test", "U+00AD"),
    "a turn of direction": ("a\u202eb.customer.test", "U+202E"),
    "a combining mark in front": ("\u0301a.customer.test", "IDNA 2008"),
    "an emoji": ("\U0001f4a9.customer.test", "IDNA 2008"),
    "a snowman": ("\u2603.customer.test", "IDNA 2008"),
    "directions that change the order": ("1\u05d0.customer.test", "label"),
    "a digit before a name from right to left": ("1.\u05d0.customer.test", "writing directions"),
    "a lone surrogate": ("a\ud800.customer.test", "U+D800"),
    "an empty label": ("a..customer.test", "empty label"),
    "a dot in front": (".customer.test", "empty label"),
    "two dots at the end": ("customer.test..", "empty label"),
    "nothing": ("", "is empty"),
    "a dot": (".", "empty label"),
    "253 bytes and more": (".".join(["a" * 40] * 6) + ".test", "has 250 bytes"),
    "no room for the proof": (".".join(["a" * 45] * 5) + ".abcde.test", "has 240 bytes"),
    "far too much": ("a" * 100_000 + ".test", "has 100005 characters"),
    "a wildcard": ("*.customer.test", "wildcard"),
    "a wildcard inside": ("a.*.customer.test", "wildcard"),
    "a scheme": ("https://a.customer.test", "scheme"),
    "a path": ("a.customer.test/x", "path"),
    "a port": ("a.customer.test:8080", "port"),
    "a user": ("me@a.customer.test", "user"),
    "a backslash": ("a\\.customer.test", "more than a name"),
    "an IPv4 address": ("192.0.2.1", "is an IP address"),
    "a decimal address": ("2130706433", "is an IP address"),
    "a hexadecimal address": ("0x7f000001", "is an IP address"),
    "an octal address": ("0177.0.0.1", "is an IP address"),
    "a short address": ("127.1", "is an IP address"),
    "an address with hexadecimal parts": ("0x7f.0x0.0x0.0x1", "is an IP address"),
    "an address in full width": ("\uff11\uff12\uff17.1", "is an IP address"),
    "an IPv6 address": ("::1", "is an IP address"),
    "an IPv6 address in brackets": ("[2001:db8::1]", "is an IP address"),
    "an IPv6 address with an IPv4 one in it": ("::ffff:127.0.0.1", "is an IP address"),
    "a single label": ("customer", "single label"),
    "a suffix of one's own": ("test", "single label"),
    "localhost": ("localhost", "single label"),
    "below localhost": ("a.localhost", "below localhost"),
    "a hidden service": ("a.onion", "below onion"),
    "the local link": ("printer.local", "below local"),
    "a home": ("a.home.arpa", "below arpa"),
    "a reverse name": ("1.0.0.127.in-addr.arpa", "below arpa"),
    "an example": ("www.example.com", "below example.com"),
    "invalid": ("a.invalid", "below invalid"),
    "a top-level domain that there is not": ("customer.nosuchsuffix", "no suffix of the public DNS"),
    "a public suffix": ("co.uk", "co.uk is a public suffix"),
    "a wildcard of the list": ("whatever.ck", "is a public suffix"),
    "a private suffix": ("github.io", "is a public suffix"),
    "a top-level domain": ("com", "single label"),
    "a public suffix in another script": ("\u516c\u53f8.cn", "is a public suffix"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_customers_name_is_refused_and_why(what: str) -> None:
    name, message = REFUSED[what]
    told = refusal(name)
    assert message in told
    assert len(told) < 300
    assert re.search(r": .*: ", told), "the fault, then the remedy"


@given(st.text(max_size=80))
def test_whatever_is_typed_is_a_plain_name_or_refused(text: str) -> None:
    for typed in (text, f"{text}.customer.test"):
        try:
            name = validators.hostname_custom(typed)
        except InvalidInput:
            continue
        assert re.fullmatch(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]", name)
        assert len(name) <= 236
        assert validators.hostname_custom(name) == name


def test_what_is_registered_is_known_by_the_public_suffix_list(settings: LazySettings) -> None:
    assert custom_names.registrable_of("a.b.bbc.co.uk") == "bbc.co.uk"
    assert custom_names.registrable_of("a.somebody.github.io") == "somebody.github.io"
    assert custom_names.registrable_of("a.b.customer.test") == "customer.test"
    settings.CUSTOM_DOMAIN_SUFFIXES = ["intra.corp"]
    assert custom_names.registrable_of("a.b.intra.corp") == "b.intra.corp"


def test_a_suffix_of_a_private_network_is_taken_only_where_an_operator_says_so(settings: LazySettings) -> None:
    settings.CUSTOM_DOMAIN_SUFFIXES = []
    assert "below test, which is reserved" in refusal("plugin.customer.test")
    settings.CUSTOM_DOMAIN_SUFFIXES = ["corp."]
    assert validators.hostname_custom("plugin.customer.corp") == "plugin.customer.corp"


@pytest.mark.parametrize(
    "name", ["apps.platform.test", "x.apps.platform.test", "a.b.apps.platform.test", "platform.test"]
)
def test_the_platforms_own_names_and_those_above_and_below_are_nobody_elses(name: str) -> None:
    with pytest.raises(InvalidInput, match="the platform's own"):
        custom_names.refuse_platforms_own(name, ["apps.platform.test"])


def test_a_name_beside_the_platforms_is_anybodys() -> None:
    custom_names.refuse_platforms_own("other.platform.test", ["apps.platform.test"])
    custom_names.refuse_platforms_own("myapps.platform.test", ["apps.platform.test"])


@pytest.mark.parametrize(
    "label",
    [MIXED_PAYPAL, CYRILLIC_APPLE, GREEK_OMICRONS, f"shop-{CYRILLIC_APPLE}", "\u0440\u0430\u0443\u0440\u0430l"],
)
def test_names_that_can_be_read_as_another_are_flagged_and_taken(label: str) -> None:
    name = validators.hostname_custom(f"{label}.customer.test")
    assert custom_names.is_mixed_script(name)


@pytest.mark.parametrize(
    "label",
    [
        *("plain", "with-digits-123", "bücher", "straße"),
        # Russian, Greek, Japanese in three scripts with Latin beside it, Korean, Chinese, Hebrew, Arabic, Thai.
        "\u043f\u0440\u0438\u043c\u0435\u0440",
        "\u03c0\u03b1\u03c1\u03ac\u03b4\u03b5\u03b9\u03b3\u03bc\u03b1",
        "\u65e5\u672c\u3072\u3089\u30ab\u30bfapp",
        "\ud55c\uad6d\u5e97",
        "\u5546\u5e97",
        "\u05d3\u05d5\u05d2\u05de\u05d4",
        "\u0645\u062b\u0627\u0644",
        "\u0e15\u0e31\u0e27\u0e2d\u0e22\u0e48\u0e32\u0e07",
    ],
)
def test_names_in_one_writing_are_not_flagged(label: str) -> None:
    assert not custom_names.is_mixed_script(validators.hostname_custom(f"{label}.customer.test"))
