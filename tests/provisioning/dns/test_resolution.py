"""Lookups through a real delegation: Knots as root and top-level domains, a BIND and a Knot with the zones."""

import dns.rcode
import dns.rdatatype

from provisioning.dns.answers import Outcome
from tests.name_servers.hierarchy import BIND, KNOT, Hierarchy
from tests.name_servers.hostile import Hostile, reply


def outcomes(hierarchy: Hierarchy, name: str, type_: str = "A") -> dict[str, Outcome]:
    """By the first label of the server's name."""
    observation = hierarchy.resolution().observe(name, type_)
    return {answer.server.name.split(".")[0]: answer.outcome for answer in observation.answers}


def test_all_servers_of_the_closest_zone_are_found_by_the_delegation(hierarchy: Hierarchy) -> None:
    zone, servers = hierarchy.resolution().nameservers("www.example.test")
    assert zone == "example.test"
    assert {(server.name, server.address, server.port) for server in servers} == {
        ("bind.example.test", BIND, hierarchy.port),
        ("knot.example.test", KNOT, hierarchy.port),
    }


def test_every_server_says_what_it_has(hierarchy: Hierarchy) -> None:
    observation = hierarchy.resolution().observe("www.example.test", "A")
    assert [answer.outcome for answer in observation.answers] == [Outcome.ANSWER, Outcome.ANSWER]
    assert observation.values == ("192.0.2.10", "192.0.2.11")
    assert {answer.ttl_s for answer in observation.answers} == {300}


def test_a_child_with_the_servers_of_its_parent_is_a_zone_of_its_own(hierarchy: Hierarchy) -> None:
    observation = hierarchy.resolution().observe("www.child.example.test", "A")
    assert (observation.zone, observation.values) == ("child.example.test", ("192.0.2.20",))


def test_a_cname_out_of_the_child_is_still_the_childs(hierarchy: Hierarchy) -> None:
    """The answer comes with the SOA of where it leads."""
    observation = hierarchy.resolution().observe("up.child.example.test", "A")
    assert (observation.zone, {answer.cname for answer in observation.answers}) == (
        "child.example.test",
        {"missing.example.test"},
    )


def test_servers_without_glue_are_found_from_the_roots(hierarchy: Hierarchy) -> None:
    observation = hierarchy.resolution().observe("www.abroad.elsewhere", "A")
    assert {answer.server.name for answer in observation.answers} == {"bind.example.test", "knot.example.test"}
    assert observation.values == ("192.0.2.40",)


def test_a_server_without_an_address_is_named_among_the_answers(hierarchy: Hierarchy) -> None:
    observation = hierarchy.resolution().observe("www.unnamed.elsewhere", "A")
    (broken,) = (answer for answer in observation.answers if answer.server.name == "missing.example.test")
    assert (broken.outcome, broken.server.address) == (Outcome.NX_DOMAIN, "")
    assert not observation.is_unanimous


def test_each_way_of_not_answering_is_told_from_the_others(hierarchy: Hierarchy) -> None:
    assert outcomes(hierarchy, "www.broken.test") == {
        "bind": Outcome.ANSWER,
        "knot": Outcome.REFUSED,
        "tld": Outcome.LAME,
        "down": Outcome.TIMEOUT,
    }


def test_a_name_that_is_not_there_and_one_without_such_a_record_are_two_things(hierarchy: Hierarchy) -> None:
    assert outcomes(hierarchy, "missing.example.test") == {"bind": Outcome.NX_DOMAIN, "knot": Outcome.NX_DOMAIN}
    assert outcomes(hierarchy, "www.example.test", "TXT") == {"bind": Outcome.NO_DATA, "knot": Outcome.NO_DATA}
    # Nothing but other names below it.
    assert outcomes(hierarchy, "below.nothing.example.test") == {"bind": Outcome.NO_DATA, "knot": Outcome.NO_DATA}


def test_a_zone_that_its_server_could_not_load_fails(hierarchy: Hierarchy) -> None:
    observation = hierarchy.resolution().observe("www.failing.test", "A")
    assert [answer.outcome for answer in observation.answers] == [Outcome.SERV_FAIL]
    assert "no server of failing.test answers" in observation.detail


def test_a_zone_that_nobody_holds_says_who_refused(hierarchy: Hierarchy) -> None:
    observation = hierarchy.resolution().observe("www.nobodys.test", "A")
    assert [(answer.server.name, answer.outcome) for answer in observation.answers] == [
        ("knot.nobodys.test", Outcome.REFUSED)
    ]


def test_servers_that_disagree_have_no_common_answer(hierarchy: Hierarchy) -> None:
    observation = hierarchy.resolution().observe("www.split.test", "A")
    assert {answer.values for answer in observation.answers} == {("192.0.2.30",), ("203.0.113.30",)}
    assert (observation.is_unanimous, observation.values) == (False, ())


def test_what_does_not_fit_a_packet_is_asked_for_by_tcp(hierarchy: Hierarchy) -> None:
    observation = hierarchy.resolution().observe("big.example.test", "TXT")
    assert [len(answer.values) for answer in observation.answers] == [20, 20]
    assert all(value.endswith("x" * 200) for value in observation.values)


def test_cnames_are_followed_across_zones(hierarchy: Hierarchy) -> None:
    links = hierarchy.resolution().follow("alias.example.test", "A")
    assert [(link.name, link.zone) for link in links] == [
        ("alias.example.test", "example.test"),
        ("shop.other.test", "other.test"),
        ("www.example.test", "example.test"),
    ]
    assert links[-1].values == ("192.0.2.10", "192.0.2.11")


def test_a_loop_of_cnames_ends_and_is_shown(hierarchy: Hierarchy) -> None:
    links = hierarchy.resolution().follow("loop.example.test", "A")
    assert len(links) == 2
    assert links[-1].detail == "a CNAME loop: loop.example.test -> loop.other.test -> loop.example.test"


def test_a_chain_of_cnames_ends_after_eight(hierarchy: Hierarchy) -> None:
    links = hierarchy.resolution().follow("link0.example.test", "A")
    assert [link.name for link in links] == [f"link{number}.example.test" for number in range(9)]
    assert links[-1].detail == "more than 8 CNAMEs one after the other"


def test_a_server_that_hangs_costs_its_own_answer_alone(hierarchy: Hierarchy) -> None:
    hierarchy.knot.suspend()
    try:
        observation = hierarchy.resolution(timeout_s=5).observe("www.example.test", "A")
    finally:
        hierarchy.knot.resume()
    assert {answer.server.address: answer.outcome for answer in observation.answers} == {
        BIND: Outcome.ANSWER,
        KNOT: Outcome.TIMEOUT,
    }


def test_a_server_that_knows_addresses_and_nothing_of_zones_is_heard(hierarchy: Hierarchy, hostile: Hostile) -> None:
    """As some load balancers do."""
    hostile.behave = lambda query, _: [
        reply(query, "www.hostile.test. 60 IN A 192.0.2.66").to_wire()
        if query.question[0].rdtype == dns.rdatatype.A
        else reply(query, rcode=dns.rcode.NOTIMP).to_wire()
    ]
    observation = hierarchy.resolution().observe("www.hostile.test", "A")
    assert (observation.zone, observation.values, observation.detail) == ("hostile.test", ("192.0.2.66",), "")
