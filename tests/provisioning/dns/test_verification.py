"""Verdicts about records, proofs and names that point here, from real servers that agree, disagree or are gone."""

import json

import dns.message
import pytest

from provisioning.dns.answers import Outcome
from provisioning.dns.records import record_set
from provisioning.dns.verification import as_data, verify_control, verify_pointing, verify_records
from tests.name_servers.hierarchy import DOWN, KNOT, Hierarchy
from tests.name_servers.hostile import Hostile, reply

ALL = ("192.0.2.10", "192.0.2.11", "2001:db8::10")
SOA = "hostile.test. 60 IN SOA hostile.hostile.test. x.hostile.test. 1 1 1 1 1"


def test_records_that_all_servers_have_are_met(hierarchy: Hierarchy) -> None:
    expected = [
        record_set("www.example.test", "A", ["192.0.2.11", "192.0.2.10"], 60),
        record_set("www.example.test", "AAAA", ["2001:db8::10"], 60),
        record_set("alias.example.test", "CNAME", ["shop.other.test"], 60),
    ]
    verification = verify_records(hierarchy.resolution(), expected)
    assert (verification.is_met, verification.is_final, verification.detail) == (True, True, "")
    assert [observation.type for observation in verification.observations] == ["A", "AAAA", "CNAME"]


def test_other_records_are_named_with_what_they_should_be(hierarchy: Hierarchy) -> None:
    expected = [record_set("www.example.test", "A", ["192.0.2.10"], 60)]
    verification = verify_records(hierarchy.resolution(), expected)
    assert (verification.is_met, verification.is_final) == (False, True)
    assert verification.detail == (
        "www.example.test A should be 192.0.2.10: "
        "www.example.test: all servers of example.test say 192.0.2.10, 192.0.2.11"
    )


def test_a_record_that_one_server_does_not_have_yet_is_worth_another_look(hierarchy: Hierarchy) -> None:
    expected = [record_set("www.split.test", "AAAA", ["2001:db8::30"], 60)]
    verification = verify_records(hierarchy.resolution(), expected)
    assert (verification.is_met, verification.is_final) == (False, False)
    assert f"1 of 2 servers differ: knot.split.test ({KNOT}) says that it has no such record" in verification.detail


def test_a_right_answer_beside_servers_that_do_not_answer_is_not_enough(hierarchy: Hierarchy) -> None:
    expected = [record_set("www.broken.test", "A", ["192.0.2.31"], 60)]
    verification = verify_records(hierarchy.resolution(), expected)
    assert (verification.is_met, verification.is_final) == (False, False)
    assert "3 of 4 servers differ" in verification.detail
    assert f"down.broken.test ({DOWN}) says nothing of use: timeout, nothing listens there" in verification.detail


def test_control_is_proven_by_the_token_on_all_servers_beside_whatever_else(hierarchy: Hierarchy) -> None:
    verification = verify_control(hierarchy.resolution(), hostname="www.example.test", token="one")
    assert (verification.is_met, verification.detail) == (True, "")


def test_e11_a_token_of_another_attempt_proves_nothing(hierarchy: Hierarchy) -> None:
    for token in ("two", "on", "one ", "ONE"):
        verification = verify_control(hierarchy.resolution(), hostname="www.example.test", token=token)
        assert not verification.is_met
        assert "_berth-challenge.www.example.test" in verification.detail
        assert f"berth-verification={token}" in verification.detail


def test_e11_a_token_that_only_some_servers_have_proves_nothing(hierarchy: Hierarchy) -> None:
    verification = verify_control(hierarchy.resolution(), hostname="www.split.test", token="one")
    assert (verification.is_met, verification.is_final) == (False, False)
    assert "knot.split.test" in verification.detail


def test_e11_a_cname_where_the_token_should_be_proves_nothing(hierarchy: Hierarchy) -> None:
    """It leads to the right token: with a wildcard, whoever is at its end could prove every name."""
    verification = verify_control(hierarchy.resolution(), hostname="alias.example.test", token="one")
    assert not verification.is_met
    assert "a CNAME to _berth-challenge.www.example.test" in verification.detail


def test_e11_the_token_of_the_name_above_proves_nothing(hierarchy: Hierarchy) -> None:
    assert not verify_control(hierarchy.resolution(), hostname="a.www.example.test", token="one").is_met
    assert not verify_control(hierarchy.resolution(), hostname="example.test", token="one").is_met


def test_an_empty_token_and_a_name_without_room_are_refused(hierarchy: Hierarchy) -> None:
    with pytest.raises(ValueError, match="token"):
        verify_control(hierarchy.resolution(), hostname="www.example.test", token="")
    with pytest.raises(ValueError, match="name"):
        verify_control(hierarchy.resolution(), hostname=".".join(["a" * 60] * 4), token="one")


@pytest.mark.parametrize(
    ("hostname", "target"),
    [("plugin.other.test", "app1.apps.example.test"), ("alias.example.test", "www.example.test")],
)
def test_a_cname_that_ends_at_a_target_points_here(hierarchy: Hierarchy, hostname: str, target: str) -> None:
    verification = verify_pointing(hierarchy.resolution(), hostname=hostname, targets=[target], addresses=[])
    assert (verification.is_met, verification.detail) == (True, "")


@pytest.mark.parametrize("hostname", ["www.example.test", "alias.example.test"])
def test_addresses_all_of_which_are_ours_point_here(hierarchy: Hierarchy, hostname: str) -> None:
    assert verify_pointing(hierarchy.resolution(), hostname=hostname, targets=["a.test"], addresses=ALL).is_met


def test_an_address_beside_ours_is_named(hierarchy: Hierarchy) -> None:
    verification = verify_pointing(
        hierarchy.resolution(), hostname="www.example.test", targets=["app1.apps.test"], addresses=ALL[:2]
    )
    assert (verification.is_met, verification.is_final) == (False, True)
    assert verification.detail == (
        "set a CNAME to app1.apps.test, or A or AAAA records with 192.0.2.10 or 192.0.2.11 alone: "
        "www.example.test also points to 2001:db8::10"
    )


def test_a_name_that_is_elsewhere_on_one_server_is_told_with_the_server(hierarchy: Hierarchy) -> None:
    verification = verify_pointing(
        hierarchy.resolution(), hostname="www.split.test", targets=[], addresses=["192.0.2.30", "2001:db8::30"]
    )
    assert (verification.is_met, verification.is_final) == (False, False)
    assert "the servers disagree" in verification.detail
    assert f"knot.split.test ({KNOT}) says 203.0.113.30" in verification.detail


@pytest.mark.parametrize(
    ("hostname", "said"),
    [
        ("missing.example.test", "all servers of example.test say that there is no such name"),
        ("gone.example.test", "nothing.other.test: all servers of other.test say that there is no such name"),
        ("below.nothing.example.test", "say that it has no such record"),
        ("loop.example.test", "a CNAME loop: loop.example.test -> loop.other.test -> loop.example.test"),
        ("link0.example.test", "more than 8 CNAMEs one after the other"),
        ("www.failing.test", "no server of failing.test answers for it (bind.failing.test: it says SERVFAIL)"),
        ("www.nobodys.test", "no server of nobodys.test answers for it (knot.nobodys.test: it says REFUSED)"),
    ],
)
def test_each_way_of_not_pointing_here_is_told(hierarchy: Hierarchy, hostname: str, said: str) -> None:
    verification = verify_pointing(
        hierarchy.resolution(), hostname=hostname, targets=["app1.apps.test"], addresses=["192.0.2.99"]
    )
    assert not verification.is_met
    assert said in verification.detail


def test_a_cname_at_the_top_of_a_zone_is_told_as_such(hierarchy: Hierarchy, hostile: Hostile) -> None:
    """A good server does not load such a zone."""

    def say(query: dns.message.Message, _is_tcp: bool) -> list[bytes]:
        return [reply(query, "hostile.test. 60 IN CNAME app1.apps.test.").to_wire()]

    hostile.behave = say
    verification = verify_pointing(
        hierarchy.resolution(), hostname="hostile.test", targets=["app1.apps.test"], addresses=["192.0.2.1"]
    )
    assert not verification.is_met
    assert verification.detail == (
        "hostile.test is the top of its zone, where no CNAME can stand: set A or AAAA records with 192.0.2.1 alone"
    )


def test_what_is_kept_says_what_each_server_said(hierarchy: Hierarchy) -> None:
    data = as_data(hierarchy.resolution().observe("www.broken.test", "A"))
    assert json.loads(json.dumps(data)) == data
    assert (data["name"], data["type"], data["zone"]) == ("www.broken.test", "A", "broken.test")
    answers = {answer["server"]: (answer["outcome"], answer["values"]) for answer in data["answers"]}
    assert answers == {
        "bind.broken.test": (Outcome.ANSWER, ["192.0.2.31"]),
        "knot.broken.test": (Outcome.REFUSED, []),
        "tld.broken.test": (Outcome.LAME, []),
        "down.broken.test": (Outcome.TIMEOUT, []),
    }


def test_what_is_kept_has_a_size(hierarchy: Hierarchy, hostile: Hostile) -> None:
    texts = [f'www.hostile.test. 60 IN TXT "{number:03}{"x" * 30}" "{"y" * 200}" "{"z" * 90}"' for number in range(40)]

    def say(query: dns.message.Message, is_tcp: bool) -> list[bytes]:
        if query.question[0].rdtype == dns.rdatatype.SOA:
            return [reply(query, authority=[SOA]).to_wire()]
        return [reply(query, *texts if is_tcp else (), is_truncated=not is_tcp).to_wire(max_size=65535)]

    hostile.behave = say
    (answer,) = as_data(hierarchy.resolution().observe("www.hostile.test", "TXT"))["answers"]
    assert (len(answer["values"]), answer["values_left_out"]) == (20, 20)
    assert max(len(value) for value in answer["values"]) == 255
