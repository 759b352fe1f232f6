"""The tours of the documents work as they are written, on the real platform after its demo."""

import re

import pytest

from tests.end_to_end.documents import run_as_written
from tests.end_to_end.running import ROOT, RunningPlatform

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def shown(platform: RunningPlatform) -> RunningPlatform:
    """The platform as `bin/up` leaves it: with its demo."""
    platform.manage("demo")
    return platform


def test_the_tour_of_the_readme_goes_from_a_push_to_a_page_and_back(shown: RunningPlatform) -> None:
    said = run_as_written(ROOT / "README.md", shown)
    pages = re.findall(r"^<h1>(Demo) plugin, version 1</h1>|^(Ahoy) from app\d+\.apps\.localhost$", said, re.MULTILINE)
    assert [first or second for first, second in pages] == ["Demo", "Ahoy", "Demo"]


def test_the_developers_tour(shown: RunningPlatform) -> None:
    said = run_as_written(ROOT / "docs" / "start" / "developer.md", shown)
    assert re.search(r"Hello from app\d+\.apps\.localhost", said)
    assert "greeted" in said


def test_the_reviewers_tour(shown: RunningPlatform) -> None:
    said = run_as_written(ROOT / "docs" / "start" / "reviewer.md", shown)
    assert '"files"' in said
    assert "index.php" in said


def test_the_operators_tour(shown: RunningPlatform) -> None:
    said = run_as_written(ROOT / "docs" / "start" / "operator.md", shown)
    assert re.search(r"^ok +database: ", said, re.MULTILINE)
    assert re.search(r"^organization-\d+:\d+:[0-9a-f]{64}$", said, re.MULTILINE)
