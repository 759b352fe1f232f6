"""The pages of docs/reference that are written from the code are as the code says."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from drf_spectacular.generators import SchemaGenerator

from paas.reference import pages
from paas.reference.markdown import table
from paas.reference.rest_page import METHODS, SAID, said_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", pages.PAGES)
def test_each_page_is_as_the_code_says(name: str) -> None:
    assert (pages.HOME / name).read_text() == pages.PAGES[name](), "run: manage.py reference --write"


def test_the_command_names_pages_that_differ_and_writes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "settings.md").write_text("# Settings of long ago\n")
    monkeypatch.setattr(pages.differing, "__defaults__", (tmp_path,))
    monkeypatch.setattr(pages.write, "__defaults__", (tmp_path,))
    said = StringIO()
    with pytest.raises(CommandError, match=f"{len(pages.PAGES)} of {len(pages.PAGES)} pages differ"):
        call_command("reference", stdout=said)
    assert "differs: docs/reference/settings.md" in said.getvalue()
    assert (tmp_path / "settings.md").read_text() == "# Settings of long ago\n"
    call_command("reference", "--write", stdout=said)
    assert "wrote docs/reference/settings.md" in said.getvalue()
    assert pages.differing(tmp_path) == []


def test_each_call_says_what_it_does_in_one_place() -> None:
    document = SchemaGenerator().get_schema(request=None, public=True)
    operations: list[dict[str, Any]] = [
        operation for path in document["paths"].values() for method, operation in path.items() if method in METHODS
    ]
    assert [operation["operationId"] for operation in operations if not said_of(operation)] == []
    assert SAID.keys() <= {operation["operationId"] for operation in operations}


def test_a_bar_or_a_line_break_stays_in_its_cell() -> None:
    assert table(("a", "b"), [("x|y", "two\nlines")]) == "| a | b |\n| --- | --- |\n| x\\|y | two lines |\n"
