"""The only reader of the environment. The settings, their defaults and what they are for: `bin/lib/settings_table.py`.

Secrets are read from the file that `BERTH_SECRETS_FILE` names (by default `secrets.env` in `BERTH_HOME`; one
`NAME=value` a line, mode 0600), so that they stand in no process list and no environment of a child process. A variable
of the same name in the environment wins. What is no secret is also read from `settings.env` in `BERTH_HOME`, where
`bin/up` notes what the installation was set up with, so that a command run by hand finds the same settings.
"""

import ipaddress
import os
import re
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from bin.lib.settings_table import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
_PLACEHOLDER = re.compile(r"\{([A-Z_]+)\}")


def _read(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def _files() -> dict[str, str]:
    home = Path(os.environ.get("BERTH_HOME", ROOT / "var"))
    settings = _read(home / "settings.env")
    secrets = os.environ.get("BERTH_SECRETS_FILE", settings.get("BERTH_SECRETS_FILE", home / "secrets.env"))
    return settings | _read(Path(secrets))


_FILES = _files()


def text(name: str, default: str | None = None) -> str:
    """The value of `name`, else `default`, else the table's own. Raises `ImproperlyConfigured` if there is none."""
    value = _given(name)
    if value is None:
        value = SETTINGS[name].default if default is None else default
    if value is None:
        raise ImproperlyConfigured(
            f"{name} is not set: set it in the environment or in the file BERTH_SECRETS_FILE names"
        )
    return _PLACEHOLDER.sub(_placed, value) if _given(name) is None else value


def integer(name: str) -> int:
    value = text(name)
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {value!r}: set a whole number") from None


def boolean(name: str, default: str | None = None) -> bool:
    value = text(name, default).lower()
    if value not in {"true", "false", "1", "0"}:
        raise ImproperlyConfigured(f"{name} is {value!r}: set true or false")
    return value in {"true", "1"}


def path(name: str) -> Path:
    return Path(text(name)).expanduser().resolve()


def words(name: str) -> list[str]:
    """A comma-separated list, empty items left out."""
    return [item.strip() for item in text(name).split(",") if item.strip()]


def addresses(name: str) -> list[str]:
    """A comma-separated list of IP addresses, as `ipaddress` writes them; the default loses what is no address."""
    if not _given(name):
        default = _PLACEHOLDER.sub(_placed, SETTINGS[name].default or "")
        return [item.strip() for item in default.split(",") if _is_reachable(item.strip())]
    try:
        return [str(ipaddress.ip_address(item)) for item in words(name)]
    except ValueError as exc:
        raise ImproperlyConfigured(f"{name}: {exc}: set a comma-separated list of IP addresses") from None


def _is_reachable(item: str) -> bool:
    try:
        return not ipaddress.ip_address(item).is_unspecified
    except ValueError:
        return False


def _given(name: str) -> str | None:
    """The value in the environment, else in a file. Raises `KeyError` for a name that the table does not have."""
    return os.environ.get(name, _FILES.get(SETTINGS[name].name))


def _placed(match: "re.Match[str]") -> str:
    """The value that stands for `{NAME}` in a default."""
    name = match[1]
    if name == "ROOT":
        return str(ROOT)
    return str(path(name)) if name == "BERTH_HOME" else text(name)
