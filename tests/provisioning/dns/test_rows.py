"""The rows of records under several writers at once: each waits for the others, and none is thrown out for it."""

import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from provisioning.dns import record_rows as dns_rows
from provisioning.dns.desired import Wanted
from provisioning.dns.records import record_set
from provisioning.dns.selectors.zones import wanted_records
from provisioning.models import DnsRecord
from tests.factories import make_app, make_organization
from tests.provisioning.dns.fixtures import hosted_zone

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memory")]


def at_once(*jobs: Callable[[], Any]) -> None:
    def work(job: Callable[[], Any]) -> None:
        try:
            job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        for done in [pool.submit(work, job) for job in jobs]:
            done.result()


def test_who_writes_to_the_same_rows_in_another_order_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    hosted, organization = hosted_zone(), make_organization()
    for _ in range(2):
        make_app(organization=organization)
    wanted = wanted_records(hosted, timezone.now())
    dns_rows.want(hosted, wanted)
    # Each to a value of its own, so that each takes a statement.
    other = [
        Wanted(record_set(one.record.name, "A", [f"192.0.2.{number + 50}"], 300), one.app, one.environment)
        for number, one in enumerate(wanted)
    ]
    meeting, change = threading.Barrier(2), dns_rows._change

    def changed(pks: Sequence[int], values: tuple[str, ...], ttl_s: int) -> int:
        found = change(pks, values, ttl_s)
        # Both have written to one row, if both can, before either goes on to the next.
        with contextlib.suppress(threading.BrokenBarrierError):
            meeting.wait(1)
        return found

    monkeypatch.setattr(dns_rows, "_change", changed)
    at_once(lambda: dns_rows.want(hosted, other), lambda: dns_rows.want(hosted, other[::-1]))
    found = {row.name: tuple(row.values) for row in DnsRecord.objects.all()}
    assert found == {one.record.name: one.record.values for one in other}
