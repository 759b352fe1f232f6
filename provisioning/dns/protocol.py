"""The contract of a DNS provider: one account at one vendor, or one server that takes updates.

A provider is one file in `providers/`: a class with `settings`, which says what it takes and what of that is secret.
It knows nothing of rows, plans or ownership, and keeps no state but its connection. Vendor exceptions stop there:

- `ServiceUnavailable`: no answer, a timeout, a 5xx;
- `RateLimited`: the vendor asks to wait, with `retry_after_s`;
- `RecordsChanged`: what the change started from is not there any more: look again, then plan again;
- `OperatorError`: refused credentials, a zone that the account does not hold, a record that the vendor refuses; the
  message says who must do what, and never has a secret in it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from provisioning.dns.records import Change, RecordSet


@dataclass(frozen=True, kw_only=True)
class ProviderSetting:
    """One value that an account needs. What `is_secret` is kept encrypted, and shown to nobody."""

    name: str
    help: str
    is_secret: bool = False
    default: str | None = None

    @property
    def is_required(self) -> bool:
        return self.default is None


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What the vendor can, and what it bears.

    `batch_size` record sets may stand in one `apply`, which is one API call; where it is 1, `apply` takes them one
    after the other. `is_atomic`: all of a batch or nothing. `is_guarded`: the vendor itself refuses what does not start
    from `before`. Others are asked what is there just before they are told to change it: calls more, and what somebody
    else changes in that instant is lost. `lists_names`: `list_records` for a few names costs less than for the whole
    zone. `rate_per_s` and `burst` are the API calls that the account may make, with a margin below the vendor's
    published limit.
    """

    batch_size: int = 1
    is_atomic: bool = False
    is_guarded: bool = False
    lists_names: bool = False
    rate_per_s: float = 5
    burst: int = 10


class Provider(Protocol):
    name: ClassVar[str]
    settings: ClassVar[Sequence[ProviderSetting]]
    capabilities: Capabilities
    # API calls that this instance has made.
    calls: int

    def __init__(self, values: Mapping[str, str]) -> None:
        """`values` by the names in `settings`, secret or not. Raises `ValueError` naming the setting at fault."""

    def zones(self) -> list[str]:
        """The zones that the account holds, in lower case, without the dot at the end; of a server that can't list
        them (RFC 2136), those of its settings that answer."""

    def list_records(self, zone: str, *, names: Collection[str] | None = None) -> list[RecordSet]:
        """All record sets of the zone, of every type, or those of `names` alone. Follows all pages."""

    def ensure_record(self, zone: str, record: RecordSet) -> None:
        """Makes the record set what it should be, whatever was there. It looks before it acts."""

    def remove_record(self, zone: str, record: RecordSet) -> None:
        """Removes the record set of this name and type. One that is not there is as good."""

    def apply(self, zone: str, changes: Sequence[Change]) -> None:
        """Makes the changes, in their order where they are not atomic. At most `batch_size` of them where that is
        above 1. A change that is in force already is as good."""

    def check(self) -> None:
        """Asks the live account whether the settings work. Raises what the others raise; returns where all is well."""
