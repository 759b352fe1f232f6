"""Health: the database decides, the broker only degrades it, nothing waits."""

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.test import override_settings
from rest_framework.test import APIClient

from paas.api.health import broker_answers

HEALTH = "/api/v1/health/"


@contextmanager
def redis(path: Path, *options: str) -> Iterator[None]:
    process = subprocess.Popen(
        ["redis-server", "--port", "0", "--unixsocket", str(path), "--save", "", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 10
        while not path.exists() and time.monotonic() < until:
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.mark.django_db
@pytest.mark.parametrize("options", [(), ("--requirepass", "something")])
def test_all_is_well_with_database_and_redis(tmp_path: Path, options: tuple[str, ...]) -> None:
    path = tmp_path / "redis.sock"
    with redis(path, *options), override_settings(CELERY_BROKER_URL=f"redis+socket://{path}"):
        response = APIClient().get(HEALTH)
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "database": "ok", "broker": "ok"}


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["redis+socket:///nowhere/redis.sock", "redis://127.0.0.1:1/0", "amqp://127.0.0.1:1//"])
def test_without_a_broker_the_api_goes_on(url: str) -> None:
    with override_settings(CELERY_BROKER_URL=url):
        response = APIClient().get(HEALTH)
    assert response.status_code == 200
    assert response.json() == {"status": "degraded", "database": "ok", "broker": "down"}


def test_a_broker_that_takes_connections_and_says_nothing_is_down() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        answered: list[bool] = []
        asking = threading.Thread(target=lambda: answered.append(broker_answers(f"redis://127.0.0.1:{port}/0")))
        asking.start()
        # Twice the promised second: an answer that never came would leave the list empty.
        asking.join(timeout=10)
    assert answered == [False]


@pytest.mark.django_db
def test_without_a_database_it_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise OperationalError("unable to open database file")

    monkeypatch.setattr(connection, "cursor", refuse)
    response = APIClient().get(HEALTH)
    assert (response.status_code, response.json()["status"], response.json()["database"]) == (503, "down", "down")
