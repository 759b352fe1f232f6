"""The documents build as a site without a warning, and the site asks no other server for anything."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def build(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(directory), *arguments]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("site")
    built = build(directory)
    assert built.returncode == 0, built.stdout + built.stderr
    return directory


def test_each_document_is_a_page_of_the_site(site: Path) -> None:
    documents = [path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("*.md")]
    pages = [site / (path.parent if path.name == "index" else path) / "index.html" for path in documents]
    assert [page for page in pages if not page.is_file()] == []


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    loaded = re.compile(
        r"""<(?:script|img|iframe|source|link(?![^>]*rel="?canonical))[^>]*(?:src|href)="?((?:https?:)?//[^\s">]+)"""
    )
    for page in site.rglob("*.html"):
        assert loaded.findall(page.read_text()) == [], page
    for sheet in site.rglob("*.css"):
        assert re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", sheet.read_text()) == [], sheet


def test_a_broken_link_fails_the_build(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "index.md").write_text("# Berth\n\n[gone](gone.md)\n")
    configuration = (ROOT / "mkdocs.yml").read_text().split("nav:")[0] + "nav:\n  - index.md\n"
    # `nav:` stands in `validation` too.
    configuration = re.sub(r"(?ms)^validation:.*", "", configuration)
    (tmp_path / "mkdocs.yml").write_text(configuration)
    built = build(tmp_path / "site", "--config-file", str(tmp_path / "mkdocs.yml"))
    assert built.returncode != 0
    assert "gone.md" in built.stdout + built.stderr
