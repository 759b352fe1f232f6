"""Every setting stands in one table; Django's settings and the commands in `bin` read it there."""

import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from bin.lib.settings_table import GROUPS, SETTINGS
from paas.settings import env

ROOT = env.ROOT
READ = re.compile(r'env\.\w+\(\s*"([A-Z_]+)"')
# Set by one process for the next one; nobody chooses them.
HANDED_ON = {"BERTH_PROCESS"}


def sources(folder: str) -> str:
    return "\n".join(path.read_text() for path in sorted((ROOT / folder).rglob("*.py")))


def test_each_setting_that_django_reads_is_in_the_table_without_a_second_default() -> None:
    text = sources("paas/settings")
    assert set(READ.findall(text)) <= SETTINGS.keys()
    given = re.findall(r'env\.\w+\(\s*"([A-Z_]+)",', text)
    # Production alone has another default, and the table says so.
    assert given == ["BERTH_SELF_SIGNED_CERTIFICATES"]


def test_each_setting_of_the_table_is_read_somewhere() -> None:
    text = sources("paas") + sources("tests")
    commands = "\n".join(p.read_text() for p in (ROOT / "bin").rglob("*.py") if p.name != "settings_table.py")
    unread = {name for name in SETTINGS if f'"{name}"' not in text + commands}
    assert unread <= HANDED_ON


def test_no_setting_stands_in_the_table_twice() -> None:
    assert len(SETTINGS) == sum(len(settings) for settings in GROUPS.values())
    assert all(setting.says for setting in SETTINGS.values())


def test_a_default_that_names_another_setting_follows_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BERTH_HOME", str(tmp_path))
    monkeypatch.delenv("BERTH_CERTIFICATES_HOME", raising=False)
    assert env.path("BERTH_CERTIFICATES_HOME") == tmp_path / "certificates"
    # A value that somebody sets is taken as it is.
    monkeypatch.setenv("BERTH_CERTIFICATES_HOME", "/etc/{BERTH_HOME}")
    assert env.path("BERTH_CERTIFICATES_HOME") == Path("/etc/{BERTH_HOME}")


@pytest.mark.parametrize(
    ("read", "name", "value", "message"),
    [
        (env.integer, "BERTH_EDGE_PORT", "80a", "set a whole number"),
        (env.integer, "BERTH_EDGE_PORT", "", "set a whole number"),
        (env.boolean, "BERTH_EMBEDDED_DNS", "yes", "set true or false"),
        (env.addresses, "BERTH_EDGE_PUBLIC_ADDRESSES", "192.0.2.1,edge.example", "set a comma-separated list"),
    ],
)
def test_a_bad_value_is_refused_by_name(
    read: object, name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=f"{name}.*{message}"):
        read(name)  # type: ignore[operator]


def test_a_name_that_is_no_setting_can_not_be_read() -> None:
    with pytest.raises(KeyError):
        env.text("BERTH_EDGE_PROT")


def test_a_setting_without_a_default_must_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BERTH_CACHE_URL", raising=False)
    with pytest.raises(ImproperlyConfigured, match="BERTH_CACHE_URL is not set"):
        env.text("BERTH_CACHE_URL")
