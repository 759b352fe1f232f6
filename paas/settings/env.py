"""The only reader of the environment: every setting of Berth that a machine may set, with its type and default.

Secrets are read from the file that `BERTH_SECRETS_FILE` names (by default `secrets.env` in `BERTH_HOME`; one
`NAME=value` a line, mode 0600), so that they stand in no process list and no environment of a child process. A variable
of the same name in the environment wins. What is no secret is also read from `settings.env` in `BERTH_HOME`, where
`bin/up` notes what the installation was set up with, so that a command run by hand finds the same settings.
"""

import ipaddress
import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parents[2]


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
    """The value of `name`. Raises `ImproperlyConfigured` where there is none and no default."""
    value = os.environ.get(name, _FILES.get(name, default))
    if value is None:
        raise ImproperlyConfigured(
            f"{name} is not set: set it in the environment or in the file BERTH_SECRETS_FILE names"
        )
    return value


def integer(name: str, default: int) -> int:
    value = text(name, str(default))
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {value!r}: set a whole number") from None


def boolean(name: str, default: bool) -> bool:
    value = text(name, "true" if default else "false").lower()
    if value not in {"true", "false", "1", "0"}:
        raise ImproperlyConfigured(f"{name} is {value!r}: set true or false")
    return value in {"true", "1"}


def path(name: str, default: Path) -> Path:
    return Path(text(name, str(default))).expanduser().resolve()


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list, empty items left out."""
    return [item.strip() for item in text(name, default).split(",") if item.strip()]


def addresses(name: str, default: str = "") -> list[str]:
    """A comma-separated list of IP addresses, as `ipaddress` writes them; the default loses what is no address."""
    if not text(name, ""):
        return [item for item in words(name, default) if _is_reachable(item)]
    try:
        return [str(ipaddress.ip_address(item)) for item in words(name)]
    except ValueError as exc:
        raise ImproperlyConfigured(f"{name}: {exc}: set a comma-separated list of IP addresses") from None


def _is_reachable(item: str) -> bool:
    try:
        return not ipaddress.ip_address(item).is_unspecified
    except ValueError:
        return False
