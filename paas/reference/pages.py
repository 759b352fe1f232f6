"""Which page comes from which table."""

from collections.abc import Callable
from pathlib import Path

from paas.reference import doctor_page, policies_page, rest_page, settings_page
from paas.settings.env import ROOT
from provisioning.containers.rendering.php_stack_page import render_page
from provisioning.operations.selectors.error_reference import error_reference

HOME = ROOT / "docs" / "reference"
PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page.render,
    "policies.md": policies_page.render,
    "errors.md": error_reference,
    "doctor.md": doctor_page.render,
    "rest.md": rest_page.render,
    "php-stack.md": render_page,
}


def differing(home: Path = HOME) -> list[str]:
    """The pages that are not as the code says, or not there."""
    return [name for name, render in PAGES.items() if _text(home / name) != render()]


def write(home: Path = HOME) -> list[str]:
    """Writes the pages that differ, and returns their names."""
    names = differing(home)
    for name in names:
        (home / name).write_text(PAGES[name]())
    return names


def _text(page: Path) -> str:
    return page.read_text() if page.is_file() else ""
