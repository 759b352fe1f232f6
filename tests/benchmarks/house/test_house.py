"""The counters of `bin/bench house` find what they are for, in toys that have it."""

from pathlib import Path

from tests.benchmarks.house import duplicates, imports, prose, way

LINES = "\n".join(f"value_{n} = {n}" for n in range(duplicates.RUN))


def test_a_clause_as_a_subject_is_hard_and_a_question_is_not(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Who asks gets an answer. A user who asks gets one. Who asks?")
    assert prose.hard_and_words([page]) == (1, 13)


def test_docstrings_comments_and_names_of_tests_are_read(tmp_path: Path) -> None:
    module = tmp_path / "toy.py"
    module.write_text(
        '"""What it is."""\n\n\n# Where none is, nothing is.\ndef test_who_asks_is_told() -> None:\n    pass\n'
    )
    assert prose.hard_and_words([module])[0] == 3


def test_ten_lines_in_two_places_are_one_run(tmp_path: Path) -> None:
    first, second = tmp_path / "first.py", tmp_path / "second.py"
    first.write_text(f"{LINES}\nmore = 1\n")
    second.write_text(f"import os\n\n{LINES}\nmore = 1\n")
    assert duplicates.duplicate_runs([first, second]) == [f"{first}:1 and {second}:3"]


def test_nine_lines_in_two_places_are_none(tmp_path: Path) -> None:
    first, second = tmp_path / "first.py", tmp_path / "second.py"
    first.write_text(LINES.rpartition("\n")[0])
    second.write_text(LINES.rpartition("\n")[0])
    assert duplicates.duplicate_runs([first, second]) == []


def test_a_circle_is_a_group_and_a_chain_is_none() -> None:
    groups = imports.connected({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})
    assert sorted(map(sorted, groups)) == [["a", "b", "c"], ["d"]]


def test_the_way_of_a_release_begins_at_the_approval_and_ends_at_the_edge() -> None:
    found = way.files()
    assert found[0] == "tenants.reviews.api.views"
    assert "provisioning.releases.workflow.switchover" in found
    assert found[-1] == "provisioning.edge.nginx"
