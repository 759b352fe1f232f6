"""Plans: what they change, what they keep off, when they are too large, and that they lead where they say."""

from dataclasses import replace
from random import Random

import pytest

from provisioning.dns import planner
from provisioning.dns.change_plan import Plan, Reason
from provisioning.dns.desired import Wanted
from provisioning.dns.ownership import Ownership, registry_record
from provisioning.dns.planner import batches, plan
from provisioning.dns.records import Change, RecordSet, record_set

ZONE, OWNER = "apps.example", "berth-0123456789abcdef"
NAME = f"app1000001.{ZONE}"
APEX = [
    RecordSet(ZONE, "SOA", ("ns1.apps.example. h.apps.example. 1 1 1 1 1",), 300),
    RecordSet(ZONE, "NS", ("ns1.apps.example",), 300),
    RecordSet(ZONE, "MX", ("10 mail.apps.example",), 300),
]


def rr(name: str = NAME, type_: str = "A", *values: str, ttl_s: int = 300) -> RecordSet:
    return RecordSet(name, type_, values or ("192.0.2.1",), ttl_s)


def owned(record: RecordSet, app: str = "app1000001", owner: str = OWNER) -> list[RecordSet]:
    return [record, registry_record(record.name, record.type, Ownership(owner, app))]


def registry(name: str = NAME, type_: str = "A", app: str = "app1000001", owner: str = OWNER) -> RecordSet:
    return registry_record(name, type_, Ownership(owner, app))


def want(record: RecordSet, app: str = "app1000001") -> Wanted:
    return Wanted(record, app)


def steps(found: Plan) -> list[tuple[str, str, str]]:
    """Each change as `+`, `~` or `-`, with its name and type, in their order."""
    signs = {(True, False): "+", (False, False): "~", (False, True): "-"}
    return [
        (signs[change.before is None, change.after is None], *change.key)
        for item in found.items
        for change in item.changes
    ]


def after(actual: list[RecordSet], changes: list[Change]) -> dict[tuple[str, str], RecordSet]:
    held = {record.key: record for record in actual}
    for change in changes:
        assert held.get(change.key) == change.before
        held.pop(change.key, None)
        if change.after is not None:
            held[change.key] = change.after
    return held


OWN_NAME = f"_berth-owner.a.{NAME}"


def test_a_new_record_comes_after_its_owner_record() -> None:
    assert steps(plan(ZONE, [want(rr())], APEX, OWNER)) == [("+", OWN_NAME, "TXT"), ("+", NAME, "A")]


def test_a_record_goes_before_its_owner_record() -> None:
    assert steps(plan(ZONE, [], [*APEX, *owned(rr())], OWNER)) == [("-", NAME, "A"), ("-", OWN_NAME, "TXT")]


def test_what_is_as_it_should_be_needs_nothing() -> None:
    found = plan(ZONE, [want(rr())], [*APEX, *owned(rr())], OWNER)
    assert (found.items, found.conflicts, found.untouched, found.total) == ((), (), 3, 3)


@pytest.mark.parametrize("before", [rr(NAME, "A", "192.0.2.66"), rr(ttl_s=60)])
def test_other_values_or_another_ttl_are_put_right(before: RecordSet) -> None:
    found = plan(ZONE, [want(rr())], owned(before), OWNER)
    assert steps(found) == [("~", NAME, "A")]
    assert (found.updates[0].before, found.updates[0].after) == (before, rr())


@pytest.mark.parametrize(
    ("actual", "left"),
    [
        ([registry()], [("+", NAME, "A")]),
        ([registry(), rr()], []),
        ([registry(app="app1000002"), rr()], [("~", OWN_NAME, "TXT")]),
    ],
)
def test_a_creation_that_was_cut_short_is_finished(actual: list[RecordSet], left: list[tuple[str, str, str]]) -> None:
    assert steps(plan(ZONE, [want(rr())], actual, OWNER)) == left


def test_a_removal_that_was_cut_short_is_finished() -> None:
    assert steps(plan(ZONE, [], [registry()], OWNER)) == [("-", OWN_NAME, "TXT")]


def test_an_alias_makes_room_for_addresses_first() -> None:
    actual = owned(rr(NAME, "CNAME", "edge.example"))
    found = plan(ZONE, [want(rr())], actual, OWNER)
    assert steps(found)[:2] == [("-", NAME, "CNAME"), ("-", f"_berth-owner.cname.{NAME}", "TXT")]
    assert not found.conflicts


OTHERS = "berth-ffffffffffffffff"
FOREIGN = [
    ("a foreign record", [rr(NAME, "A", "198.51.100.1")], Reason.FOREIGN_RECORD),
    ("a foreign alias", [rr(NAME, "CNAME", "elsewhere.example")], Reason.FOREIGN_RECORD),
    ("a foreign text", [rr(NAME, "TXT", "v=spf1 -all")], Reason.FOREIGN_RECORD),
    ("a foreign address of the other kind", [rr(NAME, "AAAA", "2001:db8::66")], Reason.FOREIGN_RECORD),
    ("a delegation at the name", [rr(NAME, "NS", "ns.elsewhere.example")], Reason.DELEGATED),
    ("a lost owner record", [rr()], Reason.LOST_OWNER),
    ("another installation's", owned(rr(), owner=OTHERS), Reason.FOREIGN_OWNER),
    ("another installation's owner record alone", [registry(owner=OTHERS)], Reason.FOREIGN_OWNER),
    ("two owners", [rr(), rr(OWN_NAME, "TXT", *registry().values, *registry(owner=OTHERS).values)],
     Reason.FOREIGN_OWNER),
    ("no owner record, a text", [rr(), rr(OWN_NAME, "TXT", "heritage=external-dns")], Reason.FOREIGN_OWNER),
]  # fmt: skip


@pytest.mark.parametrize(("actual", "reason"), [row[1:] for row in FOREIGN], ids=[row[0] for row in FOREIGN])
def test_what_berth_did_not_make_is_a_conflict_and_stays(actual: list[RecordSet], reason: Reason) -> None:
    found = plan(ZONE, [want(rr())], [*APEX, *actual], OWNER)
    assert (found.items, [conflict.reason for conflict in found.conflicts]) == ((), [reason])
    assert found.conflicts[0].found in actual
    assert all(value in str(found.conflicts[0]) for value in found.conflicts[0].found.values)
    # Nor when it is not wanted any more; what has no owner record is told, where it should have gone.
    assert plan(ZONE, [], [*APEX, *actual], OWNER).items == ()
    going = plan(ZONE, [], [*APEX, *actual], OWNER, removing=[(NAME, "A")])
    assert going.items == ()
    has_address = any(record.key == (NAME, "A") for record in actual)
    has_owner = any(record.name == OWN_NAME for record in actual)
    assert bool(going.conflicts) is (has_address and not has_owner)


def test_a_name_below_a_delegation_is_a_conflict() -> None:
    delegation = RecordSet(f"test.{ZONE}", "NS", ("ns.elsewhere.example",), 300)
    found = plan(ZONE, [want(rr(f"app1000001.test.{ZONE}"))], [*APEX, delegation], OWNER)
    assert ([conflict.reason for conflict in found.conflicts], found.items) == ([Reason.DELEGATED], ())


@pytest.mark.parametrize("above", [f"test.{ZONE}", ZONE])
def test_a_name_that_a_dname_above_it_answers_for_is_a_conflict(above: str) -> None:
    redirection = RecordSet(above, "DNAME", ("elsewhere.example",), 300)
    found = plan(ZONE, [want(rr(f"app1000001.test.{ZONE}"))], [*APEX, redirection], OWNER)
    assert ([conflict.reason for conflict in found.conflicts], found.items) == ([Reason.REDIRECTED], ())
    assert "DNAME elsewhere.example (TTL 300) is there, and it answers for all names below it" in str(
        found.conflicts[0]
    )
    # Names beside it are nobody else's.
    beside = plan(ZONE, [want(rr())], [*APEX, replace(redirection, name=f"test.{ZONE}")], OWNER)
    assert not beside.conflicts


def test_mail_beside_an_address_stays_and_beside_an_alias_is_a_conflict() -> None:
    mail = RecordSet(NAME, "MX", ("10 mail.example",), 300)
    assert not plan(ZONE, [want(rr())], [mail], OWNER).conflicts
    alias = plan(ZONE, [want(rr(NAME, "CNAME", "edge.example"))], [mail], OWNER)
    assert [conflict.reason for conflict in alias.conflicts] == [Reason.BESIDE_CNAME]


def test_signatures_stand_in_nobodys_way() -> None:
    signed = [RecordSet(NAME, type_, ("x",), 300) for type_ in ("RRSIG", "NSEC")]
    found = plan(ZONE, [want(rr(NAME, "CNAME", "edge.example"))], signed, OWNER)
    assert (found.conflicts, found.total) == ((), 0)


@pytest.mark.parametrize(
    "forged",
    [
        f"_berth-owner.a.{ZONE}",
        f"_berth-owner.mx.{ZONE}",
        f"_berth-owner.ns.www.{ZONE}",
        f"_berth-owner.soa.{ZONE}",
    ],
)
def test_an_owner_record_hands_over_nothing_that_berth_never_makes(forged: str) -> None:
    text = registry().values
    actual = [*APEX, rr(ZONE, "A", "192.0.2.7"), RecordSet(f"www.{ZONE}", "NS", ("ns.example",), 300)]
    assert plan(ZONE, [], [*actual, RecordSet(forged, "TXT", text, 300)], OWNER).items == ()


@pytest.mark.parametrize("record", [rr(ZONE), rr("app1000001.other.example"), RecordSet(NAME, "MX", ("10 x",), 300)])
def test_berth_wants_nothing_at_the_apex_outside_or_of_other_types(record: RecordSet) -> None:
    with pytest.raises(ValueError, match="and nothing else"):
        plan(ZONE, [want(record)], APEX, OWNER)


def test_a_part_of_a_zone_is_planned_without_touching_the_rest() -> None:
    other = owned(rr(f"app1000002.{ZONE}"), "app1000002")
    assert plan(ZONE, [], other, OWNER, removing=[]).items == ()
    found = plan(ZONE, [want(rr())], other, OWNER, removing=[(f"app1000002.{ZONE}", "A")])
    assert [item.key for item in found.items] == [(f"app1000002.{ZONE}", "A"), (NAME, "A")]


def zone_of(ours: int, others: int) -> list[RecordSet]:
    made = [owned(rr(f"app100000{n}.{ZONE}"), f"app100000{n}") for n in range(ours)]
    return [*APEX, *(record for pair in made for record in pair), *(rr(f"www{n}.{ZONE}") for n in range(others))]


@pytest.mark.parametrize(
    ("ours", "others", "refused"),
    [
        # Two of the zone's records each; the MX at the apex counts, too.
        (1, 5, False),
        (1, 7, False),
        (2, 8, True),
        (3, 13, False),
        (3, 12, True),
        (4, 0, False),
        (5, 0, True),
    ],
)
def test_more_than_three_of_ten_records_need_a_written_override(ours: int, others: int, refused: bool) -> None:
    found = plan(ZONE, [], zone_of(ours, others), OWNER)
    assert found.total == 2 * ours + others + 1
    assert found.affected == 2 * ours
    assert found.needs_override is refused


def test_new_records_need_none() -> None:
    wanted = [want(rr(f"app100000{n}.{ZONE}"), f"app100000{n}") for n in range(9)]
    assert not plan(ZONE, wanted, zone_of(0, 10), OWNER).needs_override


def test_the_digest_is_of_what_would_be_done_and_of_nothing_else() -> None:
    actual = zone_of(3, 3)
    first = plan(ZONE, [want(rr())], actual, OWNER)
    assert plan(ZONE, [want(rr())], [*reversed(actual), rr(f"www9.{ZONE}")], OWNER).digest == first.digest
    assert plan(ZONE, [want(rr(NAME, "A", "192.0.2.5"))], actual, OWNER).digest != first.digest
    assert plan(ZONE, [want(rr())], [*actual, rr(NAME, "TXT", "x")], OWNER).digest != first.digest


def test_what_belongs_to_one_record_stays_in_one_batch() -> None:
    wanted = [want(rr(f"app100000{n}.{ZONE}"), f"app100000{n}") for n in range(7)]
    found = plan(ZONE, wanted, [], OWNER)
    assert [len(batch) for batch in batches(found.items, 5)] == [4, 4, 4, 2]
    assert [len(batch) for batch in batches(found.items, 1)] == [2] * 7


def test_any_plan_leads_where_it_says_and_touches_nothing_foreign() -> None:
    random = Random(4)
    for _ in range(300):
        names = [f"app100000{n}.{ZONE}" for n in range(6)]
        actual: dict[tuple[str, str], RecordSet] = {}
        foreign = set()
        for name in names:
            for type_, value in (("A", f"192.0.2.{random.randint(1, 3)}"), ("CNAME", "edge.example"), ("TXT", "x")):
                if random.random() < 0.25:
                    record, kind = rr(name, type_, value), random.choice(("ours", "theirs", "nobody's"))
                    actual[record.key] = record
                    if kind == "nobody's":
                        foreign.add(record.key)
                    else:
                        mark = registry(name, type_, owner=OWNER if kind == "ours" else OTHERS)
                        actual[mark.key] = mark
                        foreign |= {record.key, mark.key} if kind == "theirs" else set()
        wanted = [
            want(record_set(name, *random.choice((("A", ["192.0.2.1"]), ("CNAME", ["edge.example"]))), 300))
            for name in names
            if random.random() < 0.6
        ]
        found = plan(ZONE, wanted, list(actual.values()), OWNER)
        left = after(list(actual.values()), [change for item in found.items for change in item.changes])
        assert all(left.get(key) == actual[key] for key in foreign)
        again = plan(ZONE, wanted, list(left.values()), OWNER)
        assert again.items == ()
        refused = {conflict.key for conflict in found.conflicts}
        assert {conflict.key for conflict in again.conflicts} == refused
        assert all(left[one.key] == one.record for one in wanted if one.key not in refused)


def test_the_names_that_matter_are_few() -> None:
    assert planner.names_around({(NAME, "A")}, ZONE) == {NAME, OWN_NAME}
    test = f"app1000001.test.{ZONE}"
    assert planner.names_around({(test, "A")}, ZONE) == {test, f"_berth-owner.a.{test}", f"test.{ZONE}"}
