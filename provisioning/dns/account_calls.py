"""Every call to a DNS provider: only for zones that the account may be used for, and out of one bucket per account.

The bucket is in the account's row, and is drawn from by compare-and-set, so that all workers together keep to the
vendor's limit. What a provider needs beyond what was expected of it (further pages) is drawn afterwards: the bucket
owes it.
"""

import time
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import TypeVar

from django.db.models import Q
from django.utils import timezone

from provisioning.dns.bucket import Bucket
from provisioning.dns.models import DnsAccount
from provisioning.dns.protocol import Capabilities, Provider
from provisioning.dns.providers import PROVIDERS
from provisioning.dns.records import Change, RecordSet
from provisioning.dns.services.accounts import provider_settings
from provisioning.exceptions import OperatorError, RateLimited

Result = TypeVar("Result")
# So long a worker waits for its turn itself, and so long for several, where others are faster. For longer it gives the
# work back.
PATIENCE_S, ALL_PATIENCE_S = 1.0, 5.0
MAX_BLOCK = timedelta(hours=1)


class AccountCalls:
    """One worker's way to an account. `calls` counts what it asked of the vendor.

    Raises what providers raise; `OperatorError` for an account that is disabled or a zone that it is not for.
    """

    def __init__(self, account: DnsAccount) -> None:
        kind = PROVIDERS.get(account.provider)
        if kind is None:
            raise OperatorError(f"DNS account {account.name} is of provider {account.provider}, which this Berth lacks")
        if not account.is_enabled:
            raise OperatorError(f"DNS account {account.name} is disabled: an operator must enable it")
        try:
            self._provider: Provider = kind(provider_settings(account))
        except ValueError as error:
            raise OperatorError(f"DNS account {account.name}: an operator must mend its settings: {error}") from None
        self._account = account
        self.calls = 0

    @property
    def capabilities(self) -> Capabilities:
        return self._provider.capabilities

    def list_records(self, zone: str, *, names: Collection[str] | None = None) -> list[RecordSet]:
        self._check_zone(zone)
        return self._call(1, lambda: self._provider.list_records(zone, names=names))

    def apply(self, zone: str, changes: Sequence[Change]) -> None:
        self._check_zone(zone)
        expected = 1 if self.capabilities.batch_size > 1 else len(changes)
        self._call(expected, lambda: self._provider.apply(zone, changes))

    def zones(self) -> list[str]:
        return self._call(1, self._provider.zones)

    def check(self) -> None:
        self._call(1, self._provider.check)

    def _check_zone(self, zone: str) -> None:
        # Credentials open what the vendor gave them; what they are for is said here, and read anew.
        allowed = DnsAccount.objects.filter(pk=self._account.pk).values_list("zones", flat=True).first() or []
        if zone not in allowed:
            raise OperatorError(
                f"DNS account {self._account.name} may not be used for {zone}: an operator must add the zone to it"
            )

    def _call(self, expected: int, call: Callable[[], Result]) -> Result:
        self._draw(expected)
        before = self._provider.calls
        try:
            return call()
        except RateLimited as limited:
            until = timezone.now() + min(timedelta(seconds=limited.retry_after_s), MAX_BLOCK)
            # Another worker may have been asked to wait for longer.
            sooner = Q(blocked_until=None) | Q(blocked_until__lt=until)
            DnsAccount.objects.filter(sooner, pk=self._account.pk).update(blocked_until=until)
            raise
        finally:
            made = self._provider.calls - before
            self.calls += made
            if made > expected:
                self._take(made - expected, may_owe=True)

    def _draw(self, calls: int) -> None:
        waited_s = 0.0
        while wait_s := self._take(calls):
            waited_s += wait_s
            if wait_s > PATIENCE_S or waited_s > ALL_PATIENCE_S:
                raise RateLimited(
                    f"DNS account {self._account.name} has used up its calls for now: Berth tries again in "
                    f"{wait_s:.0f} s; an operator should see who else uses the account if this lasts",
                    retry_after_s=round(wait_s, 1),
                )
            time.sleep(wait_s)

    def _take(self, calls: int, *, may_owe: bool = False) -> float:
        """Draws, and gives 0; or gives the seconds to wait, and draws nothing."""
        limit = self.capabilities
        while True:
            now = timezone.now()
            tokens, at, blocked_until = DnsAccount.objects.values_list(
                "bucket_tokens", "bucket_at", "blocked_until"
            ).get(pk=self._account.pk)
            if blocked_until is not None and blocked_until > now and not may_owe:
                return (blocked_until - now).total_seconds()
            bucket = Bucket(tokens, at, limit.rate_per_s, limit.burst)
            wait_s = bucket.wait_s(calls, now)
            if wait_s and not may_owe:
                return wait_s
            drawn = DnsAccount.objects.filter(pk=self._account.pk, bucket_tokens=tokens, bucket_at=at).update(
                bucket_tokens=bucket.filled(now) - calls, bucket_at=now
            )
            if drawn:
                return 0.0
