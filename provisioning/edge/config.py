"""The edge of this installation, from Django's settings."""

import logging
import os
from pathlib import Path, PurePosixPath

from django.conf import settings

from provisioning.edge.nginx import EdgeNginx
from provisioning.rendering.specs import EdgeSpec

logger = logging.getLogger(__name__)

UNPRIVILEGED_USER = "www-data"


def edge_spec_from_settings() -> EdgeSpec:
    """`EDGE_HOME`, `EDGE_ADDRESS`, `EDGE_PORT`, `EDGE_TLS_PORT`, `EDGE_HTTPS_REDIRECT`, `EDGE_USER`."""
    home = Path(settings.EDGE_HOME)
    return EdgeSpec(
        home=PurePosixPath(home),
        listen_address=settings.EDGE_ADDRESS,
        listen_port=settings.EDGE_PORT,
        tls_port=settings.EDGE_TLS_PORT,
        is_https_enforced=settings.EDGE_HTTPS_REDIRECT,
        user=settings.EDGE_USER or _worker_user(home),
    )


def edge_from_settings() -> EdgeNginx:
    return EdgeNginx(edge_spec_from_settings())


def _worker_user(home: Path) -> str:
    """Empty unless nginx starts as root, whose workers become an ordinary user.

    Workers keep request bodies in the home: where they could not reach it (it lies in /root, say) they stay root.
    """
    if os.geteuid() != 0:
        return ""
    if all(parent.stat().st_mode & 0o001 for parent in home.parents if parent.exists()):
        return UNPRIVILEGED_USER
    logger.warning(
        "the edge's workers run as root, since %s lies in a directory that %s can't enter: set BERTH_HOME to another, "
        "or BERTH_EDGE_USER to a user that can",
        home,
        UNPRIVILEGED_USER,
    )
    return "root"
