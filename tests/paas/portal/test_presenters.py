"""What a page says about durations and hostnames."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from paas.portal.apps.presenters import cores
from paas.portal.names.presenters import edge_urls
from paas.portal.operations.presenters import duration
from tests.factories import environment_of, make_app

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.44, "0.4 s"), (12.3, "12 s"), (185, "3 min 5 s"), (3720, "1 h 2 min"), (-3, "0.0 s")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(START, START + timedelta(seconds=seconds)) == text


def test_what_has_not_started_has_no_duration() -> None:
    assert duration(None, None) == ""


@pytest.mark.parametrize(("cpu_millis", "text"), [(500, "0.5 of a core"), (1000, "1 core"), (2500, "2.5 cores")])
def test_cores(cpu_millis: int, text: str) -> None:
    assert cores(cpu_millis) == text


@pytest.mark.parametrize(("port", "start", "end"), [(8080, "http", ":8080/"), (80, "http", "/"), (443, "https", "/")])
@pytest.mark.django_db
def test_addresses_go_through_the_edge(settings: Any, port: int, start: str, end: str) -> None:
    settings.EDGE_PORT = port
    environment = environment_of(make_app())
    hostname = environment.subdomains.get().hostname
    assert edge_urls(environment) == [(hostname, f"{start}://{hostname}{end}")]


@pytest.mark.parametrize(("port", "end"), [(8443, ":8443/"), (443, "/")])
@pytest.mark.django_db
def test_addresses_are_those_that_visitors_are_sent_to(settings: Any, port: int, end: str) -> None:
    settings.EDGE_HTTPS_REDIRECT, settings.EDGE_TLS_PORT = True, port
    environment = environment_of(make_app())
    hostname = environment.subdomains.get().hostname
    assert edge_urls(environment) == [(hostname, f"https://{hostname}{end}")]
