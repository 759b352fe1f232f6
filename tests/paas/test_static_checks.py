"""The checks before the tests: each finds a fault, and pre-commit runs the same commands."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PRINT_CHECKS = "import json; from lib.testing import CHECKS; print(json.dumps(CHECKS))"


def gate_checks() -> dict[str, list[str]]:
    """The commands of `bin/test`, each with the path of its program below the project."""
    result = subprocess.run(
        [sys.executable, "-c", PRINT_CHECKS], cwd=ROOT / "bin", capture_output=True, text=True, check=True
    )
    checks: dict[str, list[str]] = json.loads(result.stdout)
    return {name: [argv[0].removeprefix(f"{ROOT}/"), *argv[1:]] for name, argv in checks.items()}


def test_pre_commit_runs_the_commands_of_the_gate():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    checks = gate_checks()

    (repository,) = config["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        assert shlex.split(hook["entry"]) == checks[hook["id"]]


def test_lock_file_names_no_registry():
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text()


def test_every_node_package_is_pinned():
    package = json.loads((ROOT / "package.json").read_text())
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]

    for name, version in package["devDependencies"].items():
        assert locked[f"node_modules/{name}"]["version"] == version
    assert all(entry["integrity"] for path, entry in locked.items() if path)


@pytest.mark.parametrize("name", ["base", "production", "development"])
def test_every_python_package_is_pinned_with_hashes(name):
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    entries = re.split(r"\n(?=[a-z0-9])", text)

    assert "://" not in text
    assert all(re.match(r"[a-z0-9._\[\]-]+==\S+", entry) and "--hash=sha256:" in entry for entry in entries)


def test_djlint_finds_a_fault_in_a_template(tmp_path):
    (tmp_path / "page.html").write_text('<img src="/a.png">\n')

    assert status("djlint", tmp_path) == 1


def test_stylelint_finds_a_fault_in_a_style_sheet(tmp_path):
    (tmp_path / "page.css").write_text("a { colour: red; }\n")

    assert status("stylelint", tmp_path) == 2


def test_eslint_finds_a_fault_in_a_script(tmp_path):
    (tmp_path / "page.js").write_text('"use strict";\nconst unused = missing;\n')

    assert status("eslint", tmp_path) == 1


def status(name: str, directory: Path) -> int:
    """Runs a check of the gate with its own configuration over another directory."""
    program, *options = gate_checks()[name]
    configurations = {
        "djlint": ["--configuration", str(ROOT / "pyproject.toml")],
        "stylelint": ["--config", str(ROOT / "stylelint.config.mjs"), "--config-basedir", str(ROOT)],
        "eslint": ["--config", str(ROOT / "eslint.config.mjs")],
    }
    target = [str(directory)] if name != "stylelint" else [f"{directory}/*.css"]
    argv = [str(ROOT / program), *options[:-1], *configurations[name], *target]
    return subprocess.run(argv, cwd=directory, capture_output=True, check=False).returncode
