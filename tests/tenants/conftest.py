"""Tenants alone: nothing here waits for, or depends on, what provisioning does with a signal."""

from collections.abc import Iterator

import pytest
from django.dispatch import Signal

from tenants import signals


@pytest.fixture(autouse=True)
def _no_receivers_but_the_tests_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for signal in vars(signals).values():
        if isinstance(signal, Signal):
            monkeypatch.setattr(signal, "receivers", [])
            signal.sender_receivers_cache.clear()
    yield
    monkeypatch.undo()
    for signal in vars(signals).values():
        if isinstance(signal, Signal):
            signal.sender_receivers_cache.clear()
