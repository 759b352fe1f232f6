"""H: a developer's domain is delegated to a name server that they wrote. No answer is believed that it cannot give, no
packet sent where it likes, and no more of Berth's time than a good one.

`hostile.test` is its zone, in a hierarchy of real servers.
"""

import socket
from collections.abc import Callable, Sequence

import dns.message
import dns.name
import dns.rrset
import pytest

from provisioning.dns import delegation, exchange
from provisioning.dns.answers import Observation, Outcome
from provisioning.dns.delegation import is_public
from provisioning.dns.reading import delegation_of
from tests.name_servers.hierarchy import BIND, HOSTILE, NETWORK, Hierarchy
from tests.name_servers.hostile import Hostile, Unframed, reply

SOA = "hostile.test. 60 IN SOA hostile.hostile.test. x.hostile.test. 1 1 1 1 1"
RIGHT = "www.hostile.test. 60 IN A 192.0.2.66"
FORGED = "www.hostile.test. 60 IN A 203.0.113.66"
Saying = Callable[[dns.message.Message, bool], Sequence[bytes] | None]


def name_of(query: dns.message.Message) -> str:
    return query.question[0].name.to_text().lower()


def is_walk(query: dns.message.Message) -> bool:
    return query.question[0].rdtype == dns.rdatatype.SOA


def after_the_walk(say: Saying) -> Saying:
    """Holds its zone as it should until it is asked what one wants to know."""
    return lambda query, is_tcp: [reply(query, authority=[SOA]).to_wire()] if is_walk(query) else say(query, is_tcp)


def observed(hierarchy: Hierarchy, name: str = "www.hostile.test", type_: str = "A", **changes: object) -> Observation:
    return hierarchy.resolution(**changes).observe(name, type_)


def observed_soon(hierarchy: Hierarchy) -> Observation:
    """For what takes all the time that it gets. No server but the hostile one is asked, so that none is late."""
    known = {"hostile.test": (delegation.Nameserver(name="hostile", address=HOSTILE, port=hierarchy.port),)}
    return observed(hierarchy, timeout_s=0.5, delegations=known)


def outcome(observation: Observation) -> Outcome:
    (answer,) = observation.answers
    return answer.outcome


def test_the_control_a_good_answer_of_this_server_is_taken(hierarchy: Hierarchy, hostile: Hostile) -> None:
    hostile.behave = after_the_walk(lambda query, _: [reply(query, RIGHT).to_wire()])
    assert observed(hierarchy).values == ("192.0.2.66",)


def labels(count: int) -> str:
    return ".".join(f"l{number}" for number in range(count)) + ".hostile.test"


def refer_one_label_down(query: dns.message.Message, _is_tcp: bool) -> list[bytes]:
    """Every label is a zone of its own, with this very server."""
    count = len(refer_one_label_down.asked) + 3  # type: ignore[attr-defined]
    refer_one_label_down.asked.append(query)  # type: ignore[attr-defined]
    zone = dns.name.Name(query.question[0].name.labels[-count - 1 :])
    return [
        reply(
            query,
            authority=[f"{zone} 60 IN NS ns.{zone}"],
            additional=[f"ns.{zone} 60 IN A {HOSTILE}"],
            is_authoritative=False,
        ).to_wire()
    ]


def test_h1_delegations_without_end_have_one(hierarchy: Hierarchy, hostile: Hostile) -> None:
    refer_one_label_down.asked = []  # type: ignore[attr-defined]
    hostile.behave = refer_one_label_down
    observation = observed(hierarchy, labels(40))
    assert f"more than {delegation.MAX_REFERRALS} delegations" in observation.detail
    assert len(hostile.asked) <= delegation.MAX_REFERRALS


@pytest.mark.parametrize("zone", [".", "test.", "example.test.", "hostile.test.", "elsewhere.hostile.test."])
def test_h1_a_referral_that_does_not_lead_down_to_the_name_is_not_followed(
    hierarchy: Hierarchy, hostile: Hostile, zone: str
) -> None:
    hostile.behave = lambda query, _: [
        reply(
            query,
            authority=[f"{zone} 60 IN NS ns.hostile.test."],
            additional=[f"ns.hostile.test. 60 IN A {HOSTILE}"],
            is_authoritative=False,
        ).to_wire()
    ]
    observation = observed(hierarchy)
    assert (observation.zone, outcome(observation)) == ("hostile.test", Outcome.LAME)
    # About the zone, and about the address.
    assert len(hostile.asked) == 2


def delegate_to_others(count: int) -> Saying:
    """`sub` has so many servers in the zone of a victim, `victim`, none of which exists."""

    def say(query: dns.message.Message, _is_tcp: bool) -> list[bytes]:
        if name_of(query).endswith("victim.hostile.test."):
            return [reply(query, authority=[SOA], rcode=dns.rcode.NXDOMAIN).to_wire()]
        servers = [f"sub.hostile.test. 60 IN NS n{number}.victim.hostile.test." for number in range(count)]
        return [reply(query, authority=servers, is_authoritative=False).to_wire()]

    return say


def asked_of_the_victim(hostile: Hostile) -> int:
    return sum(name_of(query).endswith("victim.hostile.test.") for query in [*hostile.asked, *hostile.asked_by_tcp])


def test_h2_a_delegation_to_a_crowd_asks_the_crowd_nothing(
    hierarchy: Hierarchy, hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile.behave = delegate_to_others(25)
    observation = observed(hierarchy, "x.sub.hostile.test")
    assert observation.detail == "sub.hostile.test has 25 name servers: at most 13 are asked"
    assert asked_of_the_victim(hostile) == 0
    # The control: without the limit each of them is looked for.
    monkeypatch.setattr(delegation, "MAX_NAMES", 1000)
    observed(hierarchy, "x.sub.hostile.test")
    assert asked_of_the_victim(hostile) >= 25


def test_h2_a_delegation_to_names_of_others_costs_them_little(hierarchy: Hierarchy, hostile: Hostile) -> None:
    hostile.behave = delegate_to_others(13)
    observation = observed(hierarchy, "x.sub.hostile.test")
    assert {answer.outcome for answer in observation.answers} == {Outcome.NX_DOMAIN}
    # To find its zone, and its address.
    assert asked_of_the_victim(hostile) <= 2 * 13


def delegate_in_a_chain(query: dns.message.Message, _is_tcp: bool) -> list[bytes]:
    """The servers of `c1` are in `c2`, those of `c2` in `c3`, and so on."""
    number = int(name_of(query).removesuffix(".hostile.test.").split(".")[-1].removeprefix("c"))
    authority = [f"c{number}.hostile.test. 60 IN NS ns.c{number + 1}.hostile.test."]
    return [reply(query, authority=authority, is_authoritative=False).to_wire()]


def test_h2_zones_whose_servers_are_in_zones_whose_servers_are_in_zones(
    hierarchy: Hierarchy, hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile.behave = delegate_in_a_chain
    observation = observed(hierarchy, "www.c1.hostile.test")
    assert "wait for each other's name servers" in observation.detail
    assert len(hostile.asked) <= delegation.MAX_DEPTH + 1
    monkeypatch.setattr(delegation, "MAX_DEPTH", 20)
    hostile.asked.clear()
    observed(hierarchy, "www.c1.hostile.test")
    assert len(hostile.asked) > 10


def test_h2_servers_that_need_each_other_to_be_found(hierarchy: Hierarchy, hostile: Hostile) -> None:
    def say(query: dns.message.Message, _is_tcp: bool) -> list[bytes]:
        zone, other = ("a", "b") if name_of(query).endswith("a.hostile.test.") else ("b", "a")
        authority = [f"{zone}.hostile.test. 60 IN NS ns.{other}.hostile.test."]
        return [reply(query, authority=authority, is_authoritative=False).to_wire()]

    hostile.behave = say
    assert "is needed to find itself" in observed(hierarchy, "www.a.hostile.test").detail
    assert len(hostile.asked) <= 4


def test_h2_one_call_asks_only_so_many_questions(
    hierarchy: Hierarchy, hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delegation, "MAX_QUESTIONS", 9)
    hostile.behave = delegate_to_others(13)
    observation = observed(hierarchy, "x.sub.hostile.test")
    assert "more than 9 questions" in " ".join(answer.detail for answer in observation.answers)
    assert len(hostile.asked) <= 9


def test_h3_glue_for_a_name_of_others_is_not_taken(hierarchy: Hierarchy, hostile: Hostile) -> None:
    """`bind.example.test` is asked where it really is."""
    hostile.behave = lambda query, _: [
        reply(
            query,
            authority=["sub.hostile.test. 60 IN NS bind.example.test."],
            additional=[f"bind.example.test. 60 IN A {HOSTILE}"],
            is_authoritative=False,
        ).to_wire()
    ]
    observation = observed(hierarchy, "www.sub.hostile.test")
    (answer,) = observation.answers
    assert (answer.server.address, answer.outcome) == (BIND, Outcome.REFUSED)
    assert len(hostile.asked) == 1
    # The control: who may speak of the name is believed.
    message = reply(
        dns.message.make_query("www.sub.hostile.test", "SOA"),
        authority=["sub.hostile.test. 60 IN NS bind.example.test."],
        additional=[f"bind.example.test. 60 IN A {HOSTILE}"],
    )
    owner = dns.name.from_text("sub.hostile.test")
    by_whom = {
        zone: delegation_of(message, section=message.authority, owner=owner, zone=dns.name.from_text(zone)).glue
        for zone in ("hostile.test", "test")
    }
    assert [len(glue) for glue in by_whom.values()] == [0, 1]


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


def test_h6_all_of_it_together_has_a_deadline(hierarchy: Hierarchy, hostile: Hostile) -> None:
    """Each question alone would be in time."""
    refer_one_label_down.asked = []  # type: ignore[attr-defined]
    hostile.behave = lambda query, is_tcp: None if len(hostile.asked) > 3 else refer_one_label_down(query, is_tcp)
    observation = observed(hierarchy, labels(40), timeout_s=60, deadline_s=1)
    assert outcome(observation) is Outcome.TIMEOUT


PRIVATE = [
    "127.0.0.1", "10.0.0.1", "172.17.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200",
    "0.0.0.0", "224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "fec0::1", "ff02::1",
    "fd00:ec2::254", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::",
    "2001:0:a00:1::1", "2001:db8::1", "::127.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_h7_no_address_of_a_network_of_ours_is_asked(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["198.41.0.4", "1.1.1.1", "2001:503:ba3e::2:30", "64:ff9b::101:101"])
def test_h7_addresses_of_the_internet_are(address: str) -> None:
    assert is_public(address)


def test_h7_a_delegation_into_our_network_sends_nothing_there(hierarchy: Hierarchy, hostile: Hostile) -> None:
    """The servers that the operator has named are asked wherever they are; what they refer to is not."""
    hostile.behave = after_the_walk(lambda query, _: [reply(query, RIGHT).to_wire()])
    zone = hierarchy.tlds
    known = {"test": (delegation.Nameserver(name="nic.test", address=zone.address, port=zone.port),)}
    observation = observed(hierarchy, allow_private=False, delegations=known)
    (answer,) = observation.answers
    assert (answer.outcome, answer.detail) == (Outcome.LAME, "not asked: it is at no public address")
    assert hostile.asked == []
    assert observed(hierarchy, allow_private=True, delegations=known).values == ("192.0.2.66",)


def test_h7_a_name_server_whose_name_leads_into_our_network_is_not_asked(
    hierarchy: Hierarchy, hostile: Hostile
) -> None:
    """Without glue, its address comes from the zone that it is in: a public server may say anything."""

    def say(query: dns.message.Message, _is_tcp: bool) -> list[bytes]:
        if name_of(query).endswith("sub.hostile.test."):
            authority = ["sub.hostile.test. 60 IN NS inside.other.hostile.test."]
            return [reply(query, authority=authority, is_authoritative=False).to_wire()]
        address = [f"inside.other.hostile.test. 60 IN A {BIND}"] if query.question[0].rdtype == dns.rdatatype.A else []
        return [reply(query, *address, authority=[] if address else [SOA]).to_wire()]

    hostile.behave = say
    # Its own server is one that the operator has named, so that it is asked at all.
    known = {"hostile.test": (delegation.Nameserver(name="hostile", address=HOSTILE, port=hierarchy.port),)}
    (answer,) = observed(hierarchy, "www.sub.hostile.test", allow_private=False, delegations=known).answers
    assert (answer.server.address, answer.outcome) == (BIND, Outcome.LAME)
    assert answer.detail == "not asked: it is at no public address"
    (answer,) = observed(hierarchy, "www.sub.hostile.test", allow_private=True, delegations=known).answers
    assert (answer.server.address, answer.outcome) == (BIND, Outcome.REFUSED)


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
