"""The values that conditions compare with: numbers, texts, times, networks, windows of time."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware

from tenants.exceptions import InvalidInput
from tenants.policies.resources import Attribute, Kind

MAX_VALUES, MAX_TEXT = 200, 300
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TAKE_A_LIST = {"in", "not_in", "overlaps", "disjoint"}
ELEMENTS = {Kind.ID_SET: Kind.ID, Kind.TEXT_SET: Kind.TEXT}
_CLOCK_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


@dataclass(frozen=True)
class Window:
    """A time of day on some weekdays in a zone. One that ends before it starts goes on past midnight."""

    zone: str
    weekdays: frozenset[int]
    starts: time
    ends: time | None

    def holds(self, moment: datetime) -> bool:
        local = moment.astimezone(ZoneInfo(self.zone))
        now, today, yesterday = local.time(), local.weekday(), (local.weekday() - 1) % 7
        if self.ends is None:
            return today in self.weekdays and now >= self.starts
        if self.starts < self.ends:
            return today in self.weekdays and self.starts <= now < self.ends
        return (today in self.weekdays and now >= self.starts) or (yesterday in self.weekdays and now < self.ends)

    def turns(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """When it may open or close after `since` and up to `until`, in UTC: by the clock, and when clocks are changed.

        An hour that clocks repeat counts twice.
        """
        zone = ZoneInfo(self.zone)
        first = since.astimezone(zone).date()
        days = (first + timedelta(days=number) for number in range((until - since).days + 2))
        by_clock = (
            datetime.combine(day, at, zone).replace(fold=fold).astimezone(UTC)
            for day in days
            for at in {time(), self.starts, self.ends or time()}
            for fold in (0, 1)
        )
        yield from (turn for turn in (*by_clock, *_changes(zone, since, until)) if since < turn <= until)


def _changes(zone: ZoneInfo, since: datetime, until: datetime) -> Iterator[datetime]:
    """When clocks are changed: at a full or half hour of UTC, wherever that is done today."""
    half_an_hour = timedelta(minutes=30)
    moment = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while (later := moment + half_an_hour) <= until:
        if later.astimezone(zone).utcoffset() != moment.astimezone(zone).utcoffset():
            yield later
        moment = later


def parse_value(value: Any, where: str, attribute: Attribute, lookup: str) -> Any:
    """What is ready to be compared with the attribute. Raises `InvalidInput` naming `where`."""
    if lookup == "isnull":
        return _flag(value, where)
    if attribute.kind is Kind.CLOCK:
        return _window(value, where)
    if attribute.kind is Kind.ADDRESS:
        return _networks(value, where)
    kind = ELEMENTS.get(attribute.kind, attribute.kind)
    if lookup in TAKE_A_LIST:
        if not isinstance(value, list) or not value:
            raise InvalidInput.field(where, "must be a list of at least one value")
        if len(value) > MAX_VALUES:
            raise InvalidInput.field(where, f"has {len(value)} values: use at most {MAX_VALUES}")
        return frozenset(_scalar(item, where, kind, attribute) for item in value)
    return _scalar(value, where, kind, attribute)


def _scalar(value: Any, where: str, kind: Kind, attribute: Attribute) -> Any:
    if kind is Kind.FLAG:
        return _flag(value, where)
    if kind in (Kind.ID, Kind.NUMBER):
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
            raise InvalidInput.field(where, f"{value!r} must be a whole number from 0")
        return value
    if not isinstance(value, str) or not _can_be_stored(value):
        raise InvalidInput.field(where, f"{value!r} must be a text")
    if len(value) > MAX_TEXT:
        raise InvalidInput.field(where, f"has {len(value)} characters: use at most {MAX_TEXT}")
    if value.startswith("$"):
        raise InvalidInput.field(where, f"{value!r} stands in a list: a placeholder is the whole value")
    if kind is Kind.TIME:
        return _moment(value, where)
    if attribute.choices and value not in attribute.choices:
        raise InvalidInput.field(where, f"{value!r} is not one of {', '.join(attribute.choices)}")
    return value.lower() if attribute.is_lower_case else value


def _can_be_stored(text: str) -> bool:
    """PostgreSQL takes no NUL, and no database a lone surrogate, which JSON may spell."""
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput.field(where, f"{value!r} must be true or false")
    return value


def _moment(value: str, where: str) -> datetime:
    try:
        moment = parse_datetime(value)
    except ValueError:
        moment = None
    if moment is not None and is_aware(moment):
        # In UTC, as databases keep it: there the first and the last hours of a calendar may be none any more.
        with suppress(OverflowError):
            return moment.astimezone(UTC)
    raise InvalidInput.field(where, f"{value!r} must be a time with its zone, such as 2026-01-31T12:00:00Z")


def _networks(value: Any, where: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    items = value if isinstance(value, list) else [value]
    if len(items) > MAX_VALUES:
        raise InvalidInput.field(where, f"has {len(items)} networks: use at most {MAX_VALUES}")
    try:
        networks = tuple(_network(item) for item in items if isinstance(item, str))
    except ValueError as error:
        raise InvalidInput.field(where, f"{error}: write networks such as 10.0.0.0/8") from None
    if not networks or len(networks) < len(items):
        raise InvalidInput.field(where, "must be a network, or a list of at least one, such as 10.0.0.0/8")
    return networks


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """One of IPv4 in IPv6 (::ffff:0:0/96) is the IPv4 network, as with the addresses that are looked for in it."""
    network = ipaddress.ip_network(text)
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None:
        return network
    return ipaddress.IPv4Network((mapped, network.prefixlen - 96))


def _window(value: Any, where: str) -> Window:
    if not isinstance(value, Mapping) or "zone" not in value or set(value) - {"zone", "weekdays", "from", "to"}:
        raise InvalidInput.field(where, "must be an object with zone, and of weekdays, from and to at least one")
    zone = value["zone"]
    if not isinstance(zone, str) or zone not in available_timezones():
        raise InvalidInput.field(
            where, f"{zone!r} is no time zone: name one of the IANA database, such as Europe/Berlin"
        )
    weekdays = value.get("weekdays", list(WEEKDAYS))
    if not isinstance(weekdays, list) or not weekdays or not all(day in WEEKDAYS for day in weekdays):
        raise InvalidInput.field(where, f"weekdays must be a list of at least one of {', '.join(WEEKDAYS)}")
    starts, ends = (_clock_time(value.get(name), f"{where}.{name}") for name in ("from", "to"))
    if starts is None and ends is None and "weekdays" not in value:
        raise InvalidInput.field(where, "names the zone alone: name weekdays, or from and to, as well")
    if starts == ends and starts is not None:
        raise InvalidInput.field(where, "from and to are the same: leave both out for whole days")
    return Window(zone, frozenset(WEEKDAYS.index(day) for day in weekdays), starts or time(), ends or None)


def _clock_time(value: Any, where: str) -> time | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _CLOCK_TIME.fullmatch(value):
        raise InvalidInput.field(where, f"{value!r} must be a time of day, 00:00 to 23:59")
    return time.fromisoformat(value)
