"""A provider in memory that fails where and how a test says: faults that no real server shows on cue."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from provisioning.dns.protocol import Capabilities, ProviderSetting
from provisioning.dns.records import Change, RecordSet
from provisioning.exceptions import OperatorError, RecordsChanged


class MemoryProvider:
    """`zones_held` is what the vendor has, for all instances. `before_call` is run before each API call, with its
    name and number; `after_call` when its effect is there, and the answer is not.
    """

    name: ClassVar[str] = "memory"
    settings: ClassVar[Sequence[ProviderSetting]] = (
        ProviderSetting(name="url", help="where it is", default=""),
        ProviderSetting(name="key", help="its key", is_secret=True),
    )
    zones_held: ClassVar[dict[str, dict[tuple[str, str], RecordSet]]] = {}
    log: ClassVar[list[tuple[str, tuple[str, ...]]]] = []
    batch_size: ClassVar[int] = 100
    is_atomic: ClassVar[bool] = False
    lists_names: ClassVar[bool] = True
    before_call: ClassVar[Callable[[str, int], None] | None] = None
    after_call: ClassVar[Callable[[str, int], None] | None] = None
    # The vendor takes no TTL below it, and says nothing.
    least_ttl_s: ClassVar[int] = 0
    rate_per_s: ClassVar[float] = 10_000
    burst: ClassVar[int] = 10_000

    def __init__(self, values: Mapping[str, str]) -> None:
        if "bad" in values.get("url", ""):
            raise ValueError("url: is bad")
        self.calls = 0
        self.capabilities = Capabilities(
            batch_size=self.batch_size,
            is_atomic=self.is_atomic,
            lists_names=self.lists_names,
            rate_per_s=self.rate_per_s,
            burst=self.burst,
        )

    @classmethod
    def reset(cls, *zones: str) -> None:
        cls.zones_held = {zone: {} for zone in zones}
        cls.log = []
        cls.batch_size, cls.is_atomic, cls.lists_names = 100, False, True
        cls.before_call = cls.after_call = None
        cls.rate_per_s, cls.burst, cls.least_ttl_s = 10_000, 10_000, 0

    @classmethod
    def records(cls, zone: str) -> dict[tuple[str, str], tuple[str, ...]]:
        return {key: record.values for key, record in cls.zones_held[zone].items()}

    @classmethod
    def put(cls, zone: str, *records: RecordSet) -> None:
        cls.zones_held[zone].update({record.key: record for record in records})

    def zones(self) -> list[str]:
        self._call("zones", ())
        return sorted(self.zones_held)

    def list_records(self, zone: str, *, names: Collection[str] | None = None) -> list[RecordSet]:
        self._call("list", tuple(sorted(names)) if names is not None else ("*",))
        held = self._held(zone).values()
        return sorted(record for record in held if names is None or record.name in names)

    def ensure_record(self, zone: str, record: RecordSet) -> None:
        self.apply(zone, [Change(self._held(zone).get(record.key), record)])

    def remove_record(self, zone: str, record: RecordSet) -> None:
        self.apply(zone, [Change(self._held(zone).get(record.key), None)])

    def apply(self, zone: str, changes: Sequence[Change]) -> None:
        held = self._held(zone)
        if self.batch_size > 1:
            assert len(changes) <= self.batch_size
        if self.is_atomic:
            for change in changes:
                if held.get(change.key) != change.before:
                    raise RecordsChanged(f"{change.key} is not what it was")
        one_call = self.batch_size > 1
        if one_call:
            self._call("apply", tuple(" ".join(change.key) for change in changes))
        for change in changes:
            if not one_call:
                self._call("apply", (" ".join(change.key),))
            if change.after is None:
                held.pop(change.key, None)
            else:
                held[change.key] = replace(change.after, ttl_s=max(change.after.ttl_s, self.least_ttl_s))
            if not one_call:
                self._done("apply")
        if one_call:
            self._done("apply")

    def check(self) -> None:
        self._call("check", ())

    def _held(self, zone: str) -> dict[tuple[str, str], RecordSet]:
        if zone not in self.zones_held:
            raise OperatorError(f"the account holds no zone {zone}: an operator must add it there")
        return self.zones_held[zone]

    def _call(self, name: str, what: tuple[str, ...]) -> None:
        kind = type(self)
        self.calls += 1
        kind.log.append((name, what))
        if kind.before_call is not None:
            kind.before_call(name, len(kind.log))

    def _done(self, name: str) -> None:
        kind = type(self)
        if kind.after_call is not None:
            kind.after_call(name, len(kind.log))
