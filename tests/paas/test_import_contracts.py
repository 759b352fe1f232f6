"""The contracts of import-linter catch a room that nobody listed, and rows that reach up."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("paas", "provisioning", "tenants")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product's modules and their contracts, to break."""
    home = tmp_path_factory.mktemp("copy")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, home / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", home)
    return home


def broken_contracts(home: Path) -> str:
    """The output of import-linter, which must have found a fault."""
    linter = str(Path(sys.executable).with_name("lint-imports"))
    found = subprocess.run([linter, "--no-cache"], cwd=home, capture_output=True, text=True, check=False)
    assert found.returncode == 1, found.stdout + found.stderr
    return found.stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_a_room_that_no_contract_lists_is_caught(copy: Path, package: str) -> None:
    room = copy / package / "toy"
    room.mkdir()
    (room / "__init__.py").touch()
    try:
        said = broken_contracts(copy)
    finally:
        shutil.rmtree(room)
    assert f"every room of {package} is listed" in said
    assert "toy" in said


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("tenants/apps/models/plugin_app.py", "import tenants.apps.services.apps", "rows know no services"),
        ("tenants/apps/services/apps.py", "import tenants.apps.api.apps", "services know no views"),
        (
            "provisioning/releases/workflow/deploy.py",
            "import provisioning.releases.api.views",
            "services know no views",
        ),
        ("tenants/apps/models/plugin_app.py", "import provisioning.models", "provisioning on tenants"),
    ],
)
def test_an_import_upwards_is_caught(copy: Path, module: str, line: str, contract: str) -> None:
    path = copy / module
    text = path.read_text()
    path.write_text(f"{text}\n{line}\n")
    try:
        said = broken_contracts(copy)
    finally:
        path.write_text(text)
    assert any(contract in told and "BROKEN" in told for told in said.splitlines()), said
