"""What the forge reads from Django's settings, with units and defaults. Nothing else here reads settings."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

VERSION = "17.11.0"
REVISION = "embedded"


def _setting(name: str, default: Any) -> Any:
    return getattr(settings, name, default)


def external_url() -> str:
    """The base under which clients reach the forge, without a slash at its end."""
    return str(settings.EMBEDDED_FORGE_URL).rstrip("/")


def external_host() -> str:
    return urlsplit(external_url()).hostname or "localhost"


def home() -> Path:
    return Path(settings.EMBEDDED_FORGE_HOME)


def root_token() -> str:
    return str(settings.EMBEDDED_FORGE_ROOT_TOKEN)


def max_push_bytes() -> int:
    return int(_setting("EMBEDDED_FORGE_MAX_PUSH_BYTES", 100 * 1024 * 1024))


def max_request_bytes() -> int:
    """The largest body of a REST call; a commit by API carries its files in it, base64 at worst."""
    return int(_setting("EMBEDDED_FORGE_MAX_REQUEST_BYTES", 32 * 1024 * 1024))


def max_trace_bytes() -> int:
    return int(_setting("EMBEDDED_FORGE_MAX_TRACE_BYTES", 4 * 1024 * 1024))


def concurrent_jobs() -> int:
    return int(_setting("EMBEDDED_FORGE_CONCURRENT_JOBS", 4))


def job_path() -> str:
    """The PATH of jobs: a constant, so that nothing of the platform's own environment decides what they find."""
    return str(_setting("EMBEDDED_FORGE_JOB_PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"))


def git_timeout_s() -> float:
    """How long one clone or push over HTTP may take."""
    return float(_setting("EMBEDDED_FORGE_GIT_TIMEOUT_S", 3600))


def hook_timeout_s() -> float:
    return float(_setting("EMBEDDED_FORGE_HOOK_TIMEOUT_S", 10))


def encryption_keys() -> list[str]:
    """Fernet keys for values at rest: the first encrypts, all decrypt."""
    return list(settings.FIELD_ENCRYPTION_KEYS)
