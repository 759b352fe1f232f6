"""What pytest runs with: a home, ports, Docker names and an address pool of its own, set by `bin/test`."""

import ipaddress
import os
import tempfile
from pathlib import Path

os.environ.setdefault("BERTH_HOME", str(Path(tempfile.gettempdir()) / "berth-test-home"))
os.environ.setdefault("BERTH_INSTALLATION", "berthtest")
os.environ.setdefault("BERTH_SECRET_KEY", "only-for-tests-" + "x" * 40)
os.environ.setdefault("BERTH_FIELD_ENCRYPTION_KEYS", "b25seS1mb3ItdGVzdHMtMzItYnl0ZXMtb2Yta2V5LTA=")
os.environ.setdefault("FORGE_URL", "http://127.0.0.1:1/forge")
os.environ.setdefault("FORGE_TOKEN", "glpat-only-for-tests-0000")
os.environ.setdefault("BERTH_WEB_URL", "http://127.0.0.1:1")
# Messages go nowhere: tests call tasks themselves; the end-to-end tests run a real Redis.
os.environ.setdefault("BERTH_BROKER_URL", "memory://")
os.environ.setdefault("BERTH_PORT_FIRST", "24000")
os.environ.setdefault("BERTH_PORT_LAST", "27999")
os.environ.setdefault("BERTH_SUBNET_POOL", "10.214.0.0/16")
os.environ.setdefault("BERTH_UID_FIRST", "300000")
os.environ.setdefault("BERTH_UID_LAST", "399999")
os.environ.setdefault("BERTH_EDGE_PORT", "18081")
# As far above as 8443 is above 8080.
os.environ.setdefault("BERTH_EDGE_TLS_PORT", str(int(os.environ["BERTH_EDGE_PORT"]) + 363))
# Names for tests are below a suffix that nobody has outside of them.
os.environ.setdefault("BERTH_CUSTOM_DOMAIN_SUFFIXES", "test")
os.environ.setdefault("BERTH_API_RATE_USER", "100000/minute")
os.environ.setdefault("BERTH_API_RATE_ADDRESS", "100000/minute")
os.environ.setdefault("BERTH_API_RATE_SIGN_IN", "100000/minute")

# Two workers of pytest-xdist get a share each of all that they could quarrel over. The fourth share is the platform's
# that the end-to-end tests bring up (tests/end_to_end/running.py).
for _name in ("PORT", "UID"):
    _first, _last = (int(os.environ[f"BERTH_{_name}_{end}"]) for end in ("FIRST", "LAST"))
    os.environ.setdefault(f"BERTH_TEST_PLATFORM_{_name}_FIRST", str(_first + (_last - _first + 1) // 4 * 3))
    os.environ.setdefault(f"BERTH_TEST_PLATFORM_{_name}_LAST", str(_last))
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
if WORKER and os.environ.get("BERTH_TEST_SHARE") != WORKER:
    share = int(WORKER.removeprefix("gw")) % 3
    pool = ipaddress.ip_network(os.environ["BERTH_SUBNET_POOL"])
    # A quarter of each range.
    ports, uids = (
        (int(os.environ[f"BERTH_{name}_LAST"]) - int(os.environ[f"BERTH_{name}_FIRST"]) + 1) // 4
        for name in ("PORT", "UID")
    )
    port = int(os.environ["BERTH_PORT_FIRST"]) + ports * share
    uid = int(os.environ["BERTH_UID_FIRST"]) + uids * share
    os.environ |= {
        # What a test starts inherits the share, and takes no share of it.
        "BERTH_TEST_SHARE": WORKER,
        "BERTH_HOME": f"{os.environ['BERTH_HOME']}/{WORKER}",
        "BERTH_INSTALLATION": f"{os.environ['BERTH_INSTALLATION']}-{WORKER}",
        "BERTH_SUBNET_POOL": str(list(pool.subnets(prefixlen_diff=2))[share]),
        "BERTH_PORT_FIRST": str(port),
        "BERTH_PORT_LAST": str(port + ports - 1),
        "BERTH_UID_FIRST": str(uid),
        "BERTH_UID_LAST": str(uid + uids - 1),
        "BERTH_EDGE_PORT": str(int(os.environ["BERTH_EDGE_PORT"]) + share),
        "BERTH_EDGE_TLS_PORT": str(int(os.environ["BERTH_EDGE_TLS_PORT"]) + share),
    }

from django.core.exceptions import ImproperlyConfigured  # noqa: E402

from paas.settings import env  # noqa: E402
from paas.settings.embedded import *  # noqa: E402, F403
from paas.settings.embedded import DATABASES, HOME  # noqa: E402

HOME.mkdir(parents=True, exist_ok=True)
# A database with every migration in it, as bin/test makes it: a file for SQLite, a name for PostgreSQL. Tests copy it,
# since the migrations take longer than most tests. Without it each migrates its own.
TEST_TEMPLATE = env.text("BERTH_TEST_TEMPLATE")
# sqlite, or postgresql as bin/test starts it (bin/lib/postgres.py); there each worker makes `test_<name>_<worker>`.
TEST_DATABASE = env.text("BERTH_TEST_DATABASE")
if TEST_DATABASE == "postgresql":
    DATABASES["default"] = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": env.text("BERTH_DB_NAME"),
        "USER": env.text("BERTH_DB_USER"),
        "PASSWORD": env.text("BERTH_DB_PASSWORD"),
        "HOST": env.text("BERTH_DB_HOST"),
        "PORT": env.text("BERTH_DB_PORT"),
        # As in production.
        "OPTIONS": {"prepare_threshold": 1},
    }
    if TEST_TEMPLATE:
        DATABASES["default"]["TEST"] = {"TEMPLATE": TEST_TEMPLATE}
elif TEST_DATABASE == "sqlite":
    # A file, not memory: live servers, workers and threads of a test share it.
    DATABASES["default"]["TEST"] = {"NAME": HOME / f"test-{WORKER or 'main'}.sqlite3"}
else:
    raise ImproperlyConfigured(f"BERTH_TEST_DATABASE is {TEST_DATABASE!r}: set sqlite or postgresql")
DATABASES["default"]["CONN_MAX_AGE"] = 0
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CELERY_TASK_ALWAYS_EAGER = False
