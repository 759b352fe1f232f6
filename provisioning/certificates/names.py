"""Which certificate a hostname is served under. Pure."""

from collections.abc import Iterable

from tenants.apps.choices import EnvironmentName
from tenants.names.hostnames import is_within


def zone_of(hostname: str, zones: Iterable[str]) -> str:
    """The longest of `zones` that the hostname lies in; empty where it lies in none."""
    return max((zone for zone in zones if is_within(hostname, zone)), key=len, default="")


def names_of_zone(zone: str) -> tuple[str, ...]:
    """What a zone's certificate must cover. A wildcard stands for one label: `*.zone` has no `app1000001.test.zone`."""
    others = (name for name in EnvironmentName.values if name != EnvironmentName.PRODUCTION)
    return (f"*.{zone}", *(f"*.{name}.{zone}" for name in others))


def covers(patterns: Iterable[str], name: str) -> bool:
    """Whether one of the names in a certificate is `name`, or a wildcard for its first label."""
    wildcard = f"*.{name.partition('.')[2]}"
    return any(pattern.lower() in (name, wildcard) for pattern in patterns)


def certificate_name(hostname: str, zones: Iterable[str]) -> str:
    """The zone whose certificate covers the hostname; else the hostname, which needs one of its own."""
    zone = zone_of(hostname, zones)
    return zone if zone and covers(names_of_zone(zone), hostname) else hostname


def names_of(name: str, zones: Iterable[str]) -> tuple[str, ...]:
    """What the certificate called `name` must cover: a zone's wildcards, or the hostname itself."""
    return names_of_zone(name) if name in zones else (name,)
