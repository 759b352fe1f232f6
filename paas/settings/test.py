"""What pytest runs with: a home, ports, Docker names and an address pool of its own, set by `bin/test`."""

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
os.environ.setdefault("BERTH_PORT_FIRST", "24000")
os.environ.setdefault("BERTH_PORT_LAST", "27999")
os.environ.setdefault("BERTH_SUBNET_POOL", "10.214.0.0/16")
os.environ.setdefault("BERTH_UID_FIRST", "300000")
os.environ.setdefault("BERTH_UID_LAST", "399999")
os.environ.setdefault("BERTH_API_RATE_USER", "100000/minute")
os.environ.setdefault("BERTH_API_RATE_ADDRESS", "100000/minute")
os.environ.setdefault("BERTH_API_RATE_SIGN_IN", "100000/minute")

from paas.settings.embedded import *  # noqa: F403
from paas.settings.embedded import DATABASES, HOME

HOME.mkdir(parents=True, exist_ok=True)
# A file, not memory: live servers, workers and threads of a test share it.
DATABASES["default"]["TEST"] = {"NAME": HOME / f"test-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}.sqlite3"}
DATABASES["default"]["CONN_MAX_AGE"] = 0
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CELERY_TASK_ALWAYS_EAGER = False
