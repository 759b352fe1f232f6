"""A plugin's variables, as a file of PHP that its own workers read, and nothing else does.

They are in the environment of no container and of no process but the worker's own: what the platform runs beside the
plugin, php-fpm's master, health checks, `docker exec`, has an environment that no tenant has a word in.
"""

import base64
import gzip
from collections.abc import Mapping

from provisioning.containers.rendering.php_stack import SESSIONS, VARIABLES
from provisioning.rendering.grammar import check_variable
from provisioning.rendering.limits import session_files
from provisioning.rendering.text import fill

MAX_ENCODED = 10_000


def render_variables(variables: Mapping[str, str]) -> str:
    """The file that gives the variables. Raises `ValueError` naming a bad one, never its value.

    It holds secrets: it is never committed, and travels as a masked CI variable. Names are identifiers; in a text
    between single quotes PHP reads the quote and the backslash alone as anything but themselves.
    """
    for name, value in variables.items():
        check_variable(name, value)
    lines = [f"'{name}' => '{_escaped(value)}',\n" for name, value in sorted(variables.items())]
    return fill("php/variables.php", VARIABLES="".join(lines))


def render_prelude(*, disk_mib: int) -> str:
    """What runs before the plugin in each request."""
    return fill("php/prelude.php", VARIABLES=VARIABLES, SESSIONS=SESSIONS, MAX_SESSIONS=session_files(disk_mib) // 2)


def encode_variables(text: str) -> str:
    """The file as a CI variable carries it: gzip, then base64, so that it can be masked and stays below 10,000.

    Raises `ValueError` if it does not fit.
    """
    encoded = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
    if len(encoded) > MAX_ENCODED:
        raise ValueError("variables: all variables of an environment together are too large: shorten or remove some")
    return encoded


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")
