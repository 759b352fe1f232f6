"""The documents keep their promises: links and paths lead somewhere, and the README is short."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
TOP = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
DOCUMENTS = [*TOP, *PAGES]
README_LINES = 150
FOLDERS = ("bin", "docs", "paas", "provisioning", "requirements", "templates", "tenants", "tests")
# In backticks: a path below one of our folders, or a module of ours. `NAME` stands for a name of the reader's choice.
_PATH = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]*)(?:::\w+)?[^`]*`")
_MODULE = re.compile(r"`((?:paas|provisioning|tenants)(?:\.\w+)+)`")
_PLACEHOLDER = re.compile(r"(?<![A-Za-z])(?:NAME|APP|ENVIRONMENT|NUMBER)(?![A-Za-z])")


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def missing_paths(text: str) -> list[str]:
    """The paths and modules that the text names, and that are not there."""
    paths = [path for path in _PATH.findall(text) if not _PLACEHOLDER.search(path)]
    found = [path for path in paths if not (ROOT / path).exists()]
    return found + [module for module in _MODULE.findall(text) if not _is_module(module)]


def _is_module(name: str) -> bool:
    """Whether it is a module of ours, or a name in one."""
    path = ROOT.joinpath(*name.split("."))
    if path.is_dir() or path.with_suffix(".py").is_file():
        return True
    home, _, last = name.rpartition(".")
    file = ROOT.joinpath(*home.split(".")).with_suffix(".py")
    return file.is_file() and re.search(rf"\b{last}\b", file.read_text()) is not None


@pytest.mark.parametrize("document", DOCUMENTS, ids=shown)
def test_links_lead_to_a_page_that_is_there(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text())
    inside = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in inside if not (document.parent / link).is_file()] == []


@pytest.mark.parametrize("document", PAGES, ids=shown)
def test_pages_link_inside_of_docs_alone(document: Path) -> None:
    """A link that leaves `docs` leads nowhere on the site."""
    links = re.findall(r"\]\(([^)#\s:]+)\)", document.read_text())
    assert [link for link in links if not (document.parent / link).resolve().is_relative_to(ROOT / "docs")] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=shown)
def test_paths_and_modules_in_backticks_are_there(document: Path) -> None:
    assert missing_paths(document.read_text()) == []


def test_a_path_that_is_not_there_is_found() -> None:
    text = "`tenants/nowhere.py`, `bin/up --detach`, `docs/NAME.md`, `paas.settings.env`, `paas.nothing.there`, `var/x`"
    assert missing_paths(text) == ["tenants/nowhere.py", "paas.nothing.there"]


def test_every_page_is_linked_from_the_readme_or_from_another_page() -> None:
    linked = {
        (document.parent / link).resolve()
        for document in DOCUMENTS
        for link in re.findall(r"\]\(([^)#\s]+\.md)", document.read_text())
        if not link.startswith("http")
    }
    assert [shown(page) for page in PAGES if page not in linked] == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= README_LINES
