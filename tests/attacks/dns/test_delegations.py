"""H: a developer's domain is delegated to a name server that they wrote. It does not choose where Berth sends packets,
nor how many."""

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import pytest

from provisioning.dns import delegation
from provisioning.dns.addresses import is_public
from provisioning.dns.answers import Nameserver, Outcome
from provisioning.dns.reading import delegation_of
from tests.attacks.dns.hostile_zone import RIGHT, SOA, Saying, after_the_walk, name_of, observed, outcome
from tests.name_servers.hierarchy import BIND, HOSTILE, Hierarchy
from tests.name_servers.hostile import Hostile, reply


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


def test_h6_all_of_it_together_has_a_deadline(hierarchy: Hierarchy, hostile: Hostile) -> None:
    """Each question alone would be in time."""
    refer_one_label_down.asked = []  # type: ignore[attr-defined]
    hostile.behave = lambda query, is_tcp: None if len(hostile.asked) > 3 else refer_one_label_down(query, is_tcp)
    observation = observed(hierarchy, labels(40), timeout_s=60, deadline_s=1)
    assert outcome(observation) is Outcome.TIMEOUT


PRIVATE = [
    "127.0.0.1", "10.0.0.1", "172.17.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200",
    "0.0.0.0", "224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "fec0::1", "ff02::1",
    "fd00:ec2::254", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::a00:1",
    "2002:7f00:1::", "2001:0:a00:1::1", "2001:db8::1", "::127.0.0.1",
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
    known = {"test": (Nameserver(name="nic.test", address=zone.address, port=zone.port),)}
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
    known = {"hostile.test": (Nameserver(name="hostile", address=HOSTILE, port=hierarchy.port),)}
    (answer,) = observed(hierarchy, "www.sub.hostile.test", allow_private=False, delegations=known).answers
    assert (answer.server.address, answer.outcome) == (BIND, Outcome.LAME)
    assert answer.detail == "not asked: it is at no public address"
    (answer,) = observed(hierarchy, "www.sub.hostile.test", allow_private=True, delegations=known).answers
    assert (answer.server.address, answer.outcome) == (BIND, Outcome.REFUSED)
