"""The parts that the platform is made of: does each of them answer?"""

from collections.abc import Sequence
from functools import partial

import requests
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from paas.api.health import broker_answers, database_answers
from paas.celery import app
from paas.doctor.check import Check, Failed
from provisioning.containers.docker_engine import Engine
from provisioning.containers.images import image_tags
from provisioning.edge.config import edge_from_settings
from provisioning.forge.config import forge_from_settings
from provisioning.inventory.models.host import Host

TIMEOUT_S = 5
PING_S = 2


def checks() -> Sequence[Check]:
    return [
        Check("database", _database),
        Check("migrations", _migrations),
        Check("broker", _broker),
        Check("workers", _workers),
        Check("web", _web),
        Check("forge", _forge),
        Check("edge", _edge),
        *_engines(),
    ]


def _database() -> str:
    if not database_answers():
        raise Failed(
            f"{connection.vendor} does not answer: an operator must start it, or correct the settings BERTH_DB_*"
        )
    return f"{connection.vendor} answers"


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        migration, _backwards = missing[0]
        raise Failed(f"{len(missing)} missing, {migration} the first: an operator must run manage.py migrate")
    return "all applied"


def _broker() -> str:
    if not broker_answers(settings.CELERY_BROKER_URL):
        raise Failed("does not answer: an operator must start it, or correct BERTH_BROKER_URL; all work waits for it")
    return "answers"


def _workers() -> str:
    try:
        replies = app.control.ping(timeout=PING_S)
    except Exception as error:
        raise Failed(f"can't be asked ({type(error).__name__}): see the broker") from error
    if not replies:
        raise Failed(f"none answered within {PING_S} s: an operator must start one; all work waits for it")
    return f"{len(replies)} answered"


def _web() -> str:
    """Where the forge's webhooks go."""
    url = f"{settings.WEB_URL}/api/v1/health/"
    try:
        with requests.get(url, timeout=TIMEOUT_S, allow_redirects=False, stream=True) as response:
            if response.status_code != requests.codes.ok:
                raise Failed(f"{url} answers {response.status_code}: an operator must look at the web process")
    except requests.RequestException as error:
        raise Failed(
            f"{url} does not answer ({type(error).__name__}): an operator must start it, or correct BERTH_WEB_URL"
        ) from error
    return f"answers at {settings.WEB_URL}"


def _forge() -> str:
    return f"version {forge_from_settings(timeout_s=TIMEOUT_S).ping()} at {settings.FORGE_URL}"


def _edge() -> str:
    if not edge_from_settings().is_healthy():
        raise Failed(
            f"nginx does not answer on {settings.EDGE_ADDRESS} port {settings.EDGE_PORT}: an operator must start it"
        )
    return f"answers on {settings.EDGE_ADDRESS} port {settings.EDGE_PORT}"


def _engines() -> Sequence[Check]:
    hosts = list(Host.objects.filter(is_enabled=True))
    if not hosts:
        return [Check("hosts", _no_host)]
    return [Check(f"engine of {host.name}", partial(_engine, host.docker_url)) for host in hosts]


def _no_host() -> str:
    raise Failed("none is enabled: an operator must run manage.py host_register")


def _engine(url: str) -> str:
    missing = Engine(url, timeout_s=TIMEOUT_S).missing_images(image_tags().values())
    if missing:
        raise Failed(f"{', '.join(missing)} missing at {url}: an operator must run manage.py build_images there")
    return f"answers at {url}, with all images"
