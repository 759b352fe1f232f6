"""The stack's page is the tables, and the tables say each thing once."""

from pathlib import Path

from provisioning.containers.rendering import php_stack
from provisioning.containers.rendering.php_stack_page import content_types, render_page
from provisioning.rendering.limits import php_limits
from provisioning.rendering.text import template

PAGE = Path(__file__).parents[3] / "docs/reference/php-stack.md"
LIMITS = php_limits(memory_mib=256, pids=128, disk_mib=64)


def test_the_page_is_written_from_the_tables() -> None:
    assert PAGE.read_text() == render_page(), "run: manage.py reference --write"


def test_everything_has_a_reason_and_stands_once() -> None:
    settings = [*php_stack.pool_settings(LIMITS), *php_stack.startup_settings(LIMITS)]
    names = [setting.name for setting in settings]
    assert len(names) == len(set(names))
    assert all(setting.why for setting in settings)
    assert all([*php_stack.EXTENSIONS.values(), *php_stack.LEFT_OUT.values()])
    assert not php_stack.EXTENSIONS.keys() & php_stack.LEFT_OUT.keys()


def test_no_setting_breaks_out_of_its_line() -> None:
    for setting in [*php_stack.pool_settings(LIMITS), *php_stack.startup_settings(LIMITS)]:
        assert not set(setting.value) & set("\n\"';${}=&|^()!~"), setting.name


def test_every_ending_has_one_type() -> None:
    rows = [line for line in template("sidecar/mime.types").splitlines() if line.startswith("    ")]
    endings = [ending for line in rows for ending in line.strip(" ;").split()[1:]]
    assert len(endings) == len(set(endings)) == len(content_types())
