"""What a reader of `bench.json` is promised: its fields, and that `met` says what the numbers say."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.access.by_hand import BY_HAND
from tests.benchmarks.access.lists import NOT_PAGED
from tests.benchmarks.documents import RECORD
from tests.benchmarks.figures import Figure, Target, paired, table, write
from tests.benchmarks.names.burst import wrong_records
from tests.tenants.rest.endpoints.routes import endpoints


def rows_of(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text())
    return found


FIELDS = {"name", "value", "unit", "reference", "reference_value", "ratio", "spread", "pairs", "target", "met"}


def figure(value: float, target: Target, *, reference_value: float = 2.0) -> Figure:
    return Figure("speed", value, "s", "a peer", reference_value, target)


def test_the_file_is_a_list_with_one_object_for_each_figure(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    path.write_text("what an earlier run wrote")
    write(path, [figure(3.0, Target("value", "<=", 4)), figure(0, Target("ratio", ">=", 0.95))])
    found = json.loads(path.read_text())
    assert [set(entry) for entry in found] == [FIELDS, FIELDS]
    assert found[0] == {
        "name": "speed", "value": 3.0, "unit": "s", "reference": "a peer", "reference_value": 2.0, "ratio": 1.5,
        "spread": None, "pairs": 0, "target": "at most 4", "met": True,
    }  # fmt: skip
    assert (found[1]["target"], found[1]["met"]) == ("at least 0.95 times", False)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("value", "target", "met"),
    [
        (4.0, Target("value", "<=", 4), True),
        (4.01, Target("value", "<=", 4), False),
        (10.0, Target("ratio", "<=", 5), True),
        (10.1, Target("ratio", "<=", 5), False),
        (1.9, Target("ratio", ">=", 0.95), True),
        (1.89, Target("ratio", ">=", 0.95), False),
    ],
)
def test_a_target_is_met_at_its_limit_and_missed_beyond_it(value: float, target: Target, met: bool) -> None:
    assert figure(value, target).as_json()["met"] is met


def test_rounding_for_the_file_does_not_turn_a_miss_into_a_hit() -> None:
    entry = figure(4.00001, Target("value", "<=", 4)).as_json()
    assert (entry["value"], entry["met"]) == (4.0, False)


def test_without_a_reference_there_is_no_ratio_and_a_target_on_it_is_not_met() -> None:
    nothing_sent = figure(0, Target("ratio", "<=", 0.001), reference_value=0)
    assert (nothing_sent.as_json()["ratio"], nothing_sent.is_met) == (None, False)


def test_a_machine_that_is_slow_for_a_while_changes_no_verdict() -> None:
    """The verdict rests on the pairs: here the machine takes four times as long for a third of them."""
    quiet = [(1.4, 1.0)] * 12
    slowed = [
        (4 * mine, 4 * theirs) if place % 3 == 0 else (mine, theirs) for place, (mine, theirs) in enumerate(quiet)
    ]
    target = Target("ratio", "<=", 1.5)
    for pairs in (quiet, slowed):
        found = paired("speed", pairs, "s", "a peer", target)
        assert found.ratio == pytest.approx(1.4)
        assert found.spread == pytest.approx((1.4, 1.4))
        assert found.is_met
    # The medians of each side alone would say something else where a burst falls on one side only.
    burst = [(9.0, 1.0) if place < 5 else pair for place, pair in enumerate(quiet)]
    assert paired("speed", burst, "s", "a peer", target).is_met


def test_the_table_shows_each_figure_with_its_spread_and_whether_it_is_met() -> None:
    timed = paired("speed", [(3.0, 2.0), (4.0, 2.0), (5.0, 2.0)], "s", "a peer", Target("ratio", "<=", 2))
    lines = table([timed, figure(30.0, Target("ratio", "<=", 5))]).splitlines()
    assert lines[1].split() == ["speed", "4", "s", "2", "2", "1.75", "-", "2.25", "at", "most", "2", "times", "yes"]
    assert lines[2].endswith("NO")


def test_no_target_is_an_absolute_time() -> None:
    """Seconds, and how much comes in a second, are the machine's: only counts and memory have targets of their own."""
    for row in rows_of(RECORD):
        is_timed = row["unit"] in {"s", "ms", "\N{MICRO SIGN}s", "a second"}
        assert not is_timed or (row["target"].endswith(" times") and row["pairs"] > 1), row["name"]


def test_a_record_that_was_lost_or_doubled_counts_and_one_that_is_there_once_does_not() -> None:
    whole = [
        {"name": f"{mark}app1{part}.a.example.", "type": type_, "records": [{"content": "x"}]}
        for part in ("", ".test")
        for mark, type_ in (("", "A"), ("_berth-owner.a.", "TXT"))
    ]
    assert wrong_records(whole, ["app1"], "a.example") == []
    assert wrong_records(whole[1:], ["app1"], "a.example") == ["app1.a.example. A"]
    doubled = [*whole[:3], {**whole[3], "records": [{"content": "x"}, {"content": "y"}]}]
    assert wrong_records(doubled, ["app1"], "a.example") == ["_berth-owner.a.app1.test.a.example. TXT"]
    assert len(wrong_records(whole, ["app1", "app2"], "a.example")) == 4


def test_every_list_of_the_url_table_is_measured_beside_a_filter_written_by_hand() -> None:
    assert {endpoint.route for endpoint in endpoints() if endpoint.is_list} == BY_HAND.keys() | NOT_PAGED
