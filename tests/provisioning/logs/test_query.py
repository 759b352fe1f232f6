"""Each parameter that is not as it must be is refused by name; nothing is guessed."""

import time

import pytest

from provisioning.logs.positions import Positions, decode
from provisioning.logs.query import parse_query
from tenants.exceptions import InvalidInput

NOON_NS = 1_769_860_800 * 10**9


def test_without_parameters_it_is_the_last_two_hundred_lines() -> None:
    query = parse_query({})
    assert (query.tail, query.since_ns, query.until_ns, query.container, query.grep, query.is_follow) == (
        200, None, None, "", "", False,
    )  # fmt: skip


@pytest.mark.parametrize("text", ["2026-01-31T12:00:00Z", "2026-01-31T14:00:00+02:00", "2026-01-31T14:00:00 02:00"])
def test_time_is_rfc_3339_also_where_the_plus_sign_became_a_space(text: str) -> None:
    assert parse_query({"since": text}).since_ns == NOON_NS


def test_time_keeps_its_nanoseconds() -> None:
    assert parse_query({"until": "2026-01-31T12:00:00.123456789Z"}).until_ns == NOON_NS + 123_456_789


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("2h", 7200), ("1d", 86_400)])
def test_time_may_be_so_long_ago(text: str, seconds: int) -> None:
    before = time.time_ns()
    since = parse_query({"since": text}).since_ns
    assert since is not None
    assert before <= since + seconds * 10**9 <= time.time_ns()


@pytest.mark.parametrize(
    ("field", "params"),
    [
        ("tail", {"tail": "0"}),
        ("tail", {"tail": "5001"}),
        ("tail", {"tail": "-1"}),
        ("tail", {"tail": "ten"}),
        ("tail", {"tail": "\N{SUPERSCRIPT TWO}"}),
        ("tail", {"tail": ""}),
        ("since", {"since": "yesterday"}),
        ("since", {"since": "2026-01-31T12:00:00"}),
        ("since", {"since": "2026-13-31T12:00:00Z"}),
        ("since", {"since": "0001-01-01T00:00:00Z"}),
        ("since", {"since": ""}),
        ("since", {"since": "10x"}),
        ("until", {"until": "99999999d"}),
        ("until", {"until": "20m", "since": "10m"}),
        ("until", {"until": "1m", "follow": "true"}),
        ("container", {"container": ""}),
        ("container", {"container": "../other"}),
        ("container", {"container": "a\nb"}),
        ("container", {"container": "live,standby"}),
        ("grep", {"grep": "x" * 201}),
        ("follow", {"follow": "yes please"}),
    ],
)
def test_bad_parameter_is_refused_by_name(field: str, params: dict[str, str]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_query(params)
    assert list(refusal.value.errors) == [field]


def test_position_survives_its_way_through_the_client() -> None:
    positions = Positions(base_ns=NOON_NS)
    positions.advance("a" * 64, "stdout", NOON_NS + 5)
    positions.advance("a" * 64, "stdout", NOON_NS + 5)
    positions.advance("b" * 64, "stderr", NOON_NS + 7)
    back = decode(positions.encode())
    assert back == positions
    assert back.of("a" * 64)["stdout"].count == 2


@pytest.mark.parametrize(
    "text",
    ["1", "2.0", "1.0.zz", "1.-5", "1.0.aaaaaaaaaaaa~1-1", "1.0\n", "1.0;drop", "1." + "f" * 17,
     "1.0" + ".aaaaaaaaaaaa~1-1~1-1" * 201],
)  # fmt: skip
def test_position_that_this_stream_never_gave_out_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        decode(text)
    assert list(refusal.value.errors) == ["Last-Event-ID"]
