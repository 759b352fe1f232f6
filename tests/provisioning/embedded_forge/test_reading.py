"""Pieces of `.gitlab-ci.yml`, and the status of a pipeline."""

import pytest

from provisioning.embedded_forge.ci.reading import InvalidConfig, duration_s
from provisioning.embedded_forge.ci.status import compose
from provisioning.embedded_forge.ci.variables import JobVariable, merge
from provisioning.embedded_forge.git.refs import is_valid_name
from provisioning.embedded_forge.http.parameters import parse_nested


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        (90, 90),
        ("3m", 180),
        ("1h 30m", 5400),
        ("1 hour and 30 minutes", 5400),
        ("2 days", 172_800),
        ("30s", 30),
    ],
)
def test_durations(text: object, seconds: int) -> None:
    assert duration_s(text, "job") == seconds


@pytest.mark.parametrize("text", ["", "soon", "1x", "-5", "0", True, "90 years", "1h foo"])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(InvalidConfig):
        duration_s(text, "job")


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ([("success", False), ("success", False)], "success"),
        ([("success", False), ("failed", True)], "success"),
        ([("success", False), ("failed", False)], "failed"),
        ([("failed", False), ("skipped", False)], "failed"),
        ([("success", False), ("pending", False)], "running"),
        ([("pending", False), ("created", False)], "pending"),
        ([("success", False), ("created", False)], "running"),
        ([("success", False), ("manual", True)], "success"),
        ([("success", False), ("manual", False)], "manual"),
        ([("canceled", False), ("success", False)], "canceled"),
        ([("canceling", False), ("created", False)], "canceling"),
        ([("skipped", False)], "skipped"),
        ([("created", False)], "created"),
    ],
)
def test_a_pipelines_status_follows_from_its_jobs(jobs: list[tuple[str, bool]], expected: str) -> None:
    assert compose(jobs) == expected


def test_variables_that_go_round_in_a_circle_end_empty() -> None:
    merged = merge([JobVariable("A", "a$B"), JobVariable("B", "b$A"), JobVariable("C", "c$C")])
    assert {key: variable.value for key, variable in merged.items()} == {"A": "ab", "B": "b", "C": "c"}


def test_variables_that_grow_without_end_are_cut() -> None:
    layers = [JobVariable("V0", "x" * 100)]
    layers += [JobVariable(f"{name}{n}", f"$V{n - 1}$W{n - 1}") for n in range(1, 30) for name in "VW"]
    assert len(merge(layers)["V29"].value) <= 64 * 1024


@pytest.mark.parametrize("name", ["main", "f/x", "v1.0", "ünï", "a-b_c", "a@b"])
def test_names_that_refs_may_have(name: str) -> None:
    assert is_valid_name(name)


BAD_NAMES = (
    "-a", "/a", "a/", "a//b", ".a", "a/.b", "a..b", "a.lock", "a b", "a~", "a^", "a:", "a?", "a*", "a[", "a\\", "@",
    "a@{b", "HEAD", "a\x7f", "a\n", "a.", "",
)  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_refs_may_not_have(name: str) -> None:
    assert not is_valid_name(name)


def test_queries_nest() -> None:
    assert parse_nested("a=1&s[]=x&s[]=y&f[scope]=p&v[][k]=A&v[][w]=1&v[][k]=B&n[0][k]=C&n[1][k]=D") == {
        "a": "1", "s": ["x", "y"], "f": {"scope": "p"}, "v": [{"k": "A", "w": "1"}, {"k": "B"}],
        "n": [{"k": "C"}, {"k": "D"}],
    }  # fmt: skip
