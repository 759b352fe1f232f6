"""The grown-up installation: PostgreSQL, TLS in front, a GitLab where `FORGE_URL` names one."""

from paas.settings import env
from paas.settings.base import *  # noqa: F403

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": env.text("BERTH_DB_NAME"),
        "USER": env.text("BERTH_DB_USER"),
        "PASSWORD": env.text("BERTH_DB_PASSWORD"),
        "HOST": env.text("BERTH_DB_HOST"),
        "PORT": env.text("BERTH_DB_PORT"),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # What is asked with every request is planned once a connection: not behind a pooler that hands those around.
        "OPTIONS": {"prepare_threshold": None if env.boolean("BERTH_DB_IS_POOLED") else 1},
    }
}
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": env.text("BERTH_CACHE_URL")}
}
# Browsers warn of them: better no HTTPS than one that teaches visitors to click warnings away.
SELF_SIGNED_CERTIFICATES = env.boolean("BERTH_SELF_SIGNED_CERTIFICATES", "false")
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
