"""Record sets over lexicon's records: what the providers that lexicon drives have in common.

lexicon knows single records with an identifier, and one TTL for what it writes. We know record sets: their values are
compared, what is there is overwritten before something is added, and something is added before anything is removed.

lexicon's providers are used without its `Client`, which reads the environment, guesses the zone with a list that it
downloads, and has no place for a session. Their configuration is what we give them: no environment, no files.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import requests
from lexicon.config import ConfigResolver
from lexicon.exceptions import AuthenticationError
from lexicon.interfaces import Provider as LexiconProvider

from provisioning.dns.presentation import from_presentation
from provisioning.dns.protocol import Capabilities, ProviderSetting
from provisioning.dns.providers.changes import (
    by_key,
    ensure,
    names_within,
    outstanding,
    refuse_conflicts,
    refuse_unfit,
    removals_first,
    remove,
)
from provisioning.dns.providers.settings import checked, timeout_of
from provisioning.dns.providers.vendor import Vendor, VendorSession, checked_endpoint, vendor_call
from provisioning.dns.records import Change, RecordSet
from provisioning.exceptions import OperatorError, ProvisioningError


@dataclass(frozen=True, kw_only=True)
class Found:
    """One record as the vendor keeps it.

    `obstacle` says why Berth must not touch it: it does more than a record set can. One that `is_off` answers nothing.
    """

    id: str
    name: str
    type: str
    value: str
    ttl_s: int
    obstacle: str = ""
    is_off: bool = False


@dataclass(frozen=True)
class Operation:
    """One call about one record. `id` is empty for a new one."""

    kind: Literal["create", "update", "delete"]
    id: str
    name: str
    type: str
    value: str
    ttl_s: int


class LexiconRecords:
    """A provider of record sets, of which the vendor knows only the records. A vendor's file says the rest."""

    name: ClassVar[str]
    settings: ClassVar[Sequence[ProviderSetting]]
    label: ClassVar[str]
    # Above as many names, reading the whole zone costs fewer calls.
    few_names: ClassVar[int] = 0
    default_wait_s: ClassVar[float] = 10
    # lexicon's `update_record` overwrites the record that we name, and no other, with its TTL.
    overwrites: ClassVar[bool] = True
    # The vendor writes a TXT as a zone file does.
    has_quoted_texts: ClassVar[bool] = True
    capabilities = Capabilities()

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = checked(self.settings, values)
        if "endpoint" in self.values:
            self.values["endpoint"] = checked_endpoint(self.values["endpoint"])
        secrets = [self.values[setting.name] for setting in self.settings if setting.is_secret]
        self.vendor = Vendor(self.label, secrets, timeout_s=timeout_of(self.values), default_wait_s=self.default_wait_s)
        self.session = VendorSession(self.vendor)
        self.calls = 0
        self._apis: dict[str, tuple[Any, dict[str, Any]]] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    @vendor_call("listing zones")
    def zones(self) -> list[str]:
        return sorted(self._zones())

    @vendor_call("listing the records of")
    def list_records(self, zone: str, *, names: Collection[str] | None = None) -> list[RecordSet]:
        return record_sets(self._find(zone, names))

    def ensure_record(self, zone: str, record: RecordSet) -> None:
        ensure(self, zone, record)

    def remove_record(self, zone: str, record: RecordSet) -> None:
        remove(self, zone, record)

    @vendor_call("changing records of")
    def apply(self, zone: str, changes: Sequence[Change]) -> None:
        refuse_unfit(zone, changes, batch_size=self.capabilities.batch_size)
        if not changes:
            return
        found = self._find(zone, {change.key[0] for change in changes})
        present = by_key(record_sets(found))
        left = outstanding(zone, changes, present)
        refuse_conflicts(zone, left, present)
        operations: list[Operation] = []
        for change in removals_first(left) if self.capabilities.is_atomic else left:
            records = [record for record in found if (record.name, record.type) == change.key]
            operations += self._operations(records, change.after)
        if operations:
            self._perform(zone, operations)

    @vendor_call("checking the account")
    def check(self) -> None:
        if not self._zones():
            raise OperatorError(
                f"the account at {self.label} holds no zone: an operator must add one there, or give these credentials "
                "the right to see it"
            )

    def failure(self, exc: Exception) -> ProvisioningError:
        """What lexicon or a library beneath it raised, in our words."""
        if isinstance(exc, AuthenticationError):
            return self.vendor.refused(f"wrong credentials, or no such zone: {exc}")
        if isinstance(exc, requests.HTTPError) and exc.response is not None:
            status = exc.response.status_code
            if status in (401, 403):
                return self.vendor.unauthorized("renew what this DNS account has, with the right to change records")
            return self.vendor.refused(f"status {status}")
        if type(exc) is Exception:  # how lexicon's providers say that the vendor said no
            return self.vendor.refused(exc)
        return self.vendor.unavailable(f"answered in another form than it documents ({type(exc).__name__})")

    # What a vendor's file says.

    def _zones(self) -> Collection[str]:
        raise NotImplementedError

    def _connect(self, config: ConfigResolver, zone: str) -> LexiconProvider:
        """lexicon's provider for this zone, ready to work."""
        raise NotImplementedError

    def _options(self) -> dict[str, str]:
        """What lexicon's provider of this vendor asks its configuration for."""
        return {}

    def _records(self, api: Any, zone: str, name: str | None) -> Iterable[dict[str, Any]]:
        """What lexicon's `list_records` gives, with `obstacle` and `is_off` beside it: the whole zone or one name."""
        records: list[dict[str, Any]] = api.list_records(None, name)
        return records

    # What they share.

    def _api(self, zone: str) -> tuple[Any, dict[str, Any]]:
        """lexicon's provider and the configuration that it reads, in which the TTL is set before each call."""
        if zone not in self._apis:
            config = {"provider_name": self.name, "domain": zone, self.name: self._options()}
            self._apis[zone] = self._connect(ConfigResolver().with_dict(config), zone), config
        return self._apis[zone]

    def _find(self, zone: str, names: Collection[str] | None = None) -> list[Found]:
        wanted = None if names is None else names_within(zone, names)
        if wanted == []:
            return []
        api, _config = self._api(zone)
        if wanted is None or len(wanted) > self.few_names:
            records = list(self._records(api, zone, None))
        else:
            records = [record for name in wanted for record in self._records(api, zone, name)]
        # A zone that changes while its pages are read shows some records twice.
        found = {record.id: record for record in (self._found(record) for record in records)}
        return [record for record in found.values() if names is None or record.name in names]

    def _found(self, record: Mapping[str, Any]) -> Found:
        type_, text = str(record["type"]).upper(), str(record["content"])
        # Some that stand at the vendor since before it did have no quotes.
        is_plain = type_ == "TXT" and not (self.has_quoted_texts and text[:1] == text[-1:] == '"')
        return Found(
            id=str(record["id"]),
            name=shown_name(str(record["name"])),
            type=type_,
            value=text if is_plain else from_presentation(type_, text),
            # Not every program of lexicon's says.
            ttl_s=int(record.get("ttl") or 0),
            obstacle=str(record.get("obstacle", "")),
            is_off=bool(record.get("is_off", False)),
        )

    def _operations(self, present: Sequence[Found], wanted: RecordSet | None) -> list[Operation]:
        """What makes `present`, all records of one name and type, what is wanted."""
        for record in present:
            if record.obstacle:
                raise OperatorError(
                    f"the {record.type} record {record.name} {record.obstacle}, which Berth can't keep: an operator "
                    f"must remove it at {self.label}, or choose another name"
                )
        values = wanted.values if wanted else ()
        ttl_s = wanted.ttl_s if wanted else 0
        # What is off may stand in the way of its like, and not every vendor turns it on when it is overwritten.
        operations = [_operation("delete", record, record.value) for record in present if record.is_off]
        present = [record for record in present if not record.is_off]
        stale = [record for record in present if record.value not in values]
        late = [record for record in present if record.value in values and record.ttl_s != ttl_s]
        missing = [value for value in values if value not in {record.value for record in present}]
        if self.overwrites:
            operations += [_operation("update", record, record.value, ttl_s) for record in late]
            operations += [_operation("update", *pair, ttl_s) for pair in zip(stale, missing, strict=False)]
            stale, missing = stale[len(missing) :], missing[len(stale) :]
        for record in [] if self.overwrites else late:
            operations += [_operation("delete", record, record.value)]
            operations += [_operation("create", record, record.value, ttl_s)]
        made = [Operation("create", "", wanted.name, wanted.type, value, ttl_s) for value in missing] if wanted else []
        gone = [_operation("delete", record, record.value) for record in stale]
        # An alias has no room for another.
        is_alias = wanted is not None and wanted.type == "CNAME"
        return operations + (gone + made if is_alias else made + gone)

    def _perform(self, zone: str, operations: Sequence[Operation]) -> None:
        """One after the other, by lexicon's calls."""
        api, config = self._api(zone)
        for step in operations:
            self.vendor.doing = f"{step.kind[:-1]}ing the {step.type} record {step.name}"
            config["ttl"] = step.ttl_s
            match step.kind:
                case "create":
                    is_done = api.create_record(step.type, step.name, step.value)
                case "update":
                    is_done = api.update_record(step.id, step.type, step.name, step.value)
                case "delete":
                    is_done = api.delete_record(step.id, step.type, step.name, step.value)
            if is_done is False:
                raise self.vendor.refused("it said no more")


def record_sets(found: Iterable[Found]) -> list[RecordSet]:
    """The record sets of records. The lowest TTL counts, as it does for resolvers (RFC 2181, section 5.2).

    What is off is there and not served: it is no value that anybody plans.
    """
    sets: dict[tuple[str, str], list[Found]] = {}
    for record in found:
        sets.setdefault((record.name, record.type), []).append(record)
    return sorted(
        RecordSet(
            *key, tuple(sorted({_shown_value(record) for record in records})), min(record.ttl_s for record in records)
        )
        for key, records in sets.items()
    )


def _shown_value(record: Found) -> str:
    return f"{record.value} (off)" if record.is_off else record.value


def shown_name(name: str) -> str:
    """A vendor's name in our form, where it has one: some vendors show U-labels."""
    text = name.removesuffix(".").lower()
    try:
        return text if text.isascii() else text.encode("idna").decode()
    except UnicodeError:
        return text


def _operation(kind: Literal["create", "update", "delete"], record: Found, value: str, ttl_s: int = 0) -> Operation:
    return Operation(kind, "" if kind == "create" else record.id, record.name, record.type, value, ttl_s)
