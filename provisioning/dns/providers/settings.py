"""What accounts say, checked before it is used."""

from collections.abc import Mapping, Sequence

from provisioning.dns.protocol import ProviderSetting
from provisioning.dns.records import canonical_name

MAX_LENGTH = 4_000
# For providers that have a server of the operator's own behind them.
TIMEOUT = ProviderSetting(name="timeout_s", help="how many seconds the server may take to answer", default="10")


def checked(settings: Sequence[ProviderSetting], values: Mapping[str, str]) -> dict[str, str]:
    """A value for every setting. Raises `ValueError` naming the setting that is missing, unknown or odd.

    The message never has the value in it: it may be a secret.
    """
    known = {setting.name for setting in settings}
    for name in values:
        if name not in known:
            raise ValueError(f"{name[:40]!r}: there is no such setting, only {', '.join(sorted(known))}")
    found = {}
    for setting in settings:
        value = values.get(setting.name, "").strip() or setting.default
        if value is None:
            raise ValueError(f"{setting.name}: is needed: {setting.help}")
        if len(value) > MAX_LENGTH or not value.isascii() or not value.isprintable():
            raise ValueError(f"{setting.name}: at most {MAX_LENGTH} printable ASCII characters")
        found[setting.name] = value
    return found


def whole_number(name: str, text: str, *, least: int, most: int) -> int:
    if not text.isdecimal() or len(text) > 9 or not least <= int(text) <= most:
        raise ValueError(f"{name}: a whole number from {least} to {most}")
    return int(text)


def timeout_of(values: Mapping[str, str]) -> int:
    return whole_number(TIMEOUT.name, values[TIMEOUT.name], least=1, most=60)


def zone_names(name: str, text: str) -> list[str]:
    """Comma-separated zones, at least one."""
    try:
        zones = [canonical_name(part.strip()) for part in text.split(",") if part.strip()]
    except ValueError as exc:
        raise ValueError(f"{name}: {exc}") from exc
    if not zones:
        raise ValueError(f"{name}: at least one zone")
    return list(dict.fromkeys(zones))
