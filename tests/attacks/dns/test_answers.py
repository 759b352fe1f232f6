"""H: a developer's domain is delegated to a name server that they wrote. No answer is believed that it cannot give, and
none takes more of Berth's time than a good one."""

import socket
from collections.abc import Callable

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import pytest

from provisioning.dns import exchange
from provisioning.dns.answers import Outcome
from tests.attacks.dns.hostile_zone import (
    FORGED,
    RIGHT,
    SOA,
    after_the_walk,
    observed,
    observed_soon,
    outcome,
)
from tests.name_servers.hierarchy import NETWORK, Hierarchy
from tests.name_servers.hostile import Hostile, Unframed, reply


def test_the_control_a_good_answer_of_this_server_is_taken(hierarchy: Hierarchy, hostile: Hostile) -> None:
    hostile.behave = after_the_walk(lambda query, _: [reply(query, RIGHT).to_wire()])
    assert observed(hierarchy).values == ("192.0.2.66",)


def with_another_id(message: dns.message.Message) -> bytes:
    message.id = (message.id + 1) % 65536
    return message.to_wire()


def test_h4_a_packet_with_the_wrong_id_is_not_the_answer(hierarchy: Hierarchy, hostile: Hostile) -> None:
    hostile.behave = after_the_walk(
        lambda query, _: [with_another_id(reply(query, FORGED)), reply(query, RIGHT).to_wire()]
    )
    assert observed(hierarchy).values == ("192.0.2.66",)


def test_h4_who_guesses_at_the_id_is_left_alone_with_it(hierarchy: Hierarchy, hostile: Hostile) -> None:
    """Few guesses are let by; then the question is asked where a guess does not help."""
    hostile.behave = after_the_walk(
        lambda query, is_tcp: (
            [reply(query, RIGHT).to_wire()]
            if is_tcp
            else [with_another_id(reply(query, FORGED)) for _ in range(exchange.MAX_STRAYS)]
            + [reply(query, FORGED).to_wire()]
        )
    )
    assert observed(hierarchy).values == ("192.0.2.66",)
    assert len(hostile.asked_by_tcp) == 1


def test_h4_an_answer_to_another_question_is_not_the_answer(hierarchy: Hierarchy, hostile: Hostile) -> None:
    def say(query: dns.message.Message, _is_tcp: bool) -> list[bytes]:
        other = dns.message.make_query("else.hostile.test", "A", id=query.id)
        return [reply(other, FORGED).to_wire(), reply(query, RIGHT).to_wire()]

    hostile.behave = after_the_walk(say)
    assert observed(hierarchy).values == ("192.0.2.66",)


def test_h4_a_packet_from_elsewhere_does_not_arrive(hierarchy: Hierarchy, hostile: Hostile) -> None:
    def say(query: dns.message.Message, _is_tcp: bool) -> list[bytes]:
        with socket.socket(type=socket.SOCK_DGRAM) as elsewhere:
            elsewhere.bind((f"{NETWORK}.67", hierarchy.port))
            elsewhere.sendto(reply(query, FORGED).to_wire(), hostile.client)
        return [reply(query, RIGHT).to_wire()]

    hostile.behave = after_the_walk(say)
    assert observed(hierarchy).values == ("192.0.2.66",)


def test_h4_an_answer_that_does_not_repeat_the_names_case_is_asked_for_by_tcp(
    hierarchy: Hierarchy, hostile: Hostile
) -> None:
    """Who has not seen the question can't know in which case its letters were."""

    def say(query: dns.message.Message, is_tcp: bool) -> list[bytes]:
        if is_tcp:
            return [reply(query, RIGHT).to_wire()]
        other = "".join(chr(ord(char) ^ 0x20) if char.isalpha() else char for char in query.question[0].name.to_text())
        return [reply(dns.message.make_query(other, "A", id=query.id), FORGED).to_wire()]

    hostile.behave = after_the_walk(say)
    assert observed(hierarchy).values == ("192.0.2.66",)


def raw(query: dns.message.Message, *, body: bytes = b"", flags: int = 0x8400, records: int = 0) -> bytes:
    """A header that fits the question, the question, and anything."""
    counts = (1).to_bytes(2, "big") + records.to_bytes(2, "big") + bytes(4)
    question = query.question[0].name.to_wire() or b""
    return query.id.to_bytes(2, "big") + flags.to_bytes(2, "big") + counts + question + b"\x00\x01\x00\x01" + body


MALFORMED: dict[str, Callable[[dns.message.Message], bytes]] = {
    "half a record": lambda query: raw(query, body=b"\xc0\x0c\x00\x01\x00\x01", records=1),
    "a pointer to itself": lambda query: raw(query, body=b"\xc0\x22" * 20, records=1),
    "more records than there are": lambda query: raw(query, records=65535),
    "junk at its end": lambda query: raw(query, body=b"junk"),
    "an address of three bytes": lambda query: raw(
        query, body=b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x03abc", records=1
    ),
    "more than is read": lambda query: raw(query, body=bytes(40_000)),
}


@pytest.mark.parametrize("how", MALFORMED)
def test_h5_what_is_no_message_is_said_to_be_none(hierarchy: Hierarchy, hostile: Hostile, how: str) -> None:
    hostile.behave = after_the_walk(lambda query, _: [MALFORMED[how](query)])
    assert outcome(observed(hierarchy)) is Outcome.MALFORMED


@pytest.mark.parametrize("packet", [b"", b"\x00", bytes(11), bytes(512)])
def test_h5_bytes_that_answer_nothing_are_no_answer(hierarchy: Hierarchy, hostile: Hostile, packet: bytes) -> None:
    hostile.behave = after_the_walk(lambda query, _: [packet])
    assert outcome(observed_soon(hierarchy)) is Outcome.TIMEOUT


def test_h5_an_answer_of_any_size_is_not_read(hierarchy: Hierarchy, hostile: Hostile) -> None:
    texts = [f'www.hostile.test. 60 IN TXT "{number:05} {"x" * 200}"' for number in range(200)]
    hostile.behave = after_the_walk(
        lambda query, is_tcp: [reply(query, *texts if is_tcp else (), is_truncated=not is_tcp).to_wire(max_size=65535)]
    )
    (answer,) = observed(hierarchy, type_="TXT").answers
    assert (answer.outcome, answer.values) == (Outcome.MALFORMED, ())
    assert f"at most {exchange.MAX_MESSAGE_BYTES} are read" in answer.detail


def test_h6_a_server_that_says_nothing_does_not_hold_anybody(hierarchy: Hierarchy, hostile: Hostile) -> None:
    hostile.behave = lambda _query, _is_tcp: None
    observation = observed_soon(hierarchy)
    assert outcome(observation) is Outcome.TIMEOUT
    assert "no server of hostile.test answers" in observation.detail


@pytest.mark.parametrize("part", [b"", b"\x00", b"\x01\x00half"])
def test_h6_a_connection_without_an_end_does_not_hold_anybody(
    hierarchy: Hierarchy, hostile: Hostile, part: bytes
) -> None:
    hostile.behave = after_the_walk(
        lambda query, is_tcp: [Unframed(part)] if is_tcp else [reply(query, is_truncated=True).to_wire()]
    )
    (answer,) = observed_soon(hierarchy).answers
    assert answer.outcome is Outcome.TIMEOUT
    assert answer.detail == "the answer was truncated, and no answer by TCP: no answer in time"


def test_h8_an_answer_without_authority_is_none(hierarchy: Hierarchy, hostile: Hostile) -> None:
    hostile.behave = after_the_walk(lambda query, _: [reply(query, RIGHT, is_authoritative=False).to_wire()])
    (answer,) = observed(hierarchy).answers
    assert (answer.outcome, answer.values) == (Outcome.LAME, ())


def test_h8_no_in_the_name_of_a_zone_above_is_none(hierarchy: Hierarchy, hostile: Hostile) -> None:
    above = SOA.replace("hostile.test. 60", "test. 60", 1)
    hostile.behave = lambda query, _: [reply(query, authority=[above], rcode=dns.rcode.NXDOMAIN).to_wire()]
    assert outcome(observed(hierarchy)) is Outcome.LAME


def test_h8_records_of_other_names_are_not_looked_at(hierarchy: Hierarchy, hostile: Hostile) -> None:
    strange = "www.example.test. 60 IN A 203.0.113.66"
    hostile.behave = after_the_walk(lambda query, _: [reply(query, strange).to_wire()])
    assert outcome(observed(hierarchy)) is Outcome.NO_DATA


@pytest.mark.parametrize(
    "records",
    [
        ("www.hostile.test. 60 IN CNAME a.example.test.", RIGHT),
        ("www.hostile.test. 60 IN CNAME a.example.test.", "www.hostile.test. 60 IN CNAME b.example.test."),
        (r"www.hostile.test. 60 IN CNAME a\032\010b.example.test.",),
        (r"www.hostile.test. 60 IN CNAME a\.b\@c.example.test.",),
    ],
)
def test_h9_a_cname_that_none_may_be_is_malformed(
    hierarchy: Hierarchy, hostile: Hostile, records: tuple[str, ...]
) -> None:
    hostile.behave = after_the_walk(lambda query, _: [reply(query, *records).to_wire()])
    (answer,) = observed(hierarchy).answers
    assert (answer.outcome, answer.values, answer.cname) == (Outcome.MALFORMED, (), "")


def test_h9_cnames_without_end_have_one(hierarchy: Hierarchy, hostile: Hostile) -> None:
    hostile.behave = after_the_walk(
        lambda query, _: [
            reply(query, f"{query.question[0].name} 60 IN CNAME x{len(hostile.asked)}.hostile.test.").to_wire()
        ]
    )
    links = hierarchy.resolution().follow("www.hostile.test", "A")
    assert (len(links), links[-1].detail) == (9, "more than 8 CNAMEs one after the other")


def test_h10_text_that_is_no_text_is_shown_as_such_and_equals_nothing(hierarchy: Hierarchy, hostile: Hostile) -> None:
    texts = [rb"\027[31mred", rb"\226\128\174txt", rb"a\000b", rb"c\010d"]
    hostile.behave = after_the_walk(
        lambda query, _: [reply(query, *(f'www.hostile.test. 60 IN TXT "{text.decode()}"' for text in texts)).to_wire()]
    )
    (answer,) = observed(hierarchy, type_="TXT").answers
    assert len(answer.values) == 4
    for value in answer.values:
        assert value.endswith("\N{HORIZONTAL ELLIPSIS}")
        assert value.isprintable()
        assert "\u202e" not in value
