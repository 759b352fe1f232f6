"""Celery: what workers and beat do, and how often."""

from paas.settings import env

# Celery: a message is only a wake-up; the row is the truth.
CELERY_BROKER_URL = env.text("BERTH_BROKER_URL")
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "socket_timeout": 2,
    "socket_connect_timeout": 2,
    # kombu would try for six seconds to publish to a broker that is away.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
}
# A request that cannot reach the broker goes on: the sweep finds the row.
CELERY_TASK_PUBLISH_RETRY = False
SWEEP_INTERVAL_S = env.integer("BERTH_SWEEP_INTERVAL_S")
RECONCILE_INTERVAL_S = env.integer("BERTH_RECONCILE_INTERVAL_S")
# How often customers' domains are looked for that are due for a check.
DOMAIN_ROUND_INTERVAL_S = env.integer("BERTH_DOMAIN_ROUND_INTERVAL_S")
DNS_ADVANCE_INTERVAL_S = env.integer("BERTH_DNS_ADVANCE_INTERVAL_S")
DNS_COMPARE_INTERVAL_S = env.integer("BERTH_DNS_COMPARE_INTERVAL_S")
CERTIFICATES_INTERVAL_S = env.integer("BERTH_CERTIFICATES_INTERVAL_S")
CELERY_BEAT_SCHEDULE = {
    # A round that could not start before the next one is due is not worth running.
    "sweep": {
        "task": "provisioning.sweep",
        "schedule": SWEEP_INTERVAL_S,
        "options": {"expires": SWEEP_INTERVAL_S},
    },
    "reconcile": {
        "task": "provisioning.reconcile",
        "schedule": RECONCILE_INTERVAL_S,
        "options": {"expires": RECONCILE_INTERVAL_S},
    },
    "read-pushes": {
        "task": "provisioning.read_pushes",
        "schedule": SWEEP_INTERVAL_S,
        "options": {"expires": SWEEP_INTERVAL_S},
    },
    "check-domains": {
        "task": "provisioning.check_domains",
        "schedule": DOMAIN_ROUND_INTERVAL_S,
        "options": {"expires": DOMAIN_ROUND_INTERVAL_S},
    },
    "refresh-certificates": {
        "task": "provisioning.refresh_certificates",
        "schedule": CERTIFICATES_INTERVAL_S,
        "options": {"expires": CERTIFICATES_INTERVAL_S},
    },
    "advance-zones": {
        "task": "provisioning.advance_zones",
        "schedule": DNS_ADVANCE_INTERVAL_S,
        "options": {"expires": DNS_ADVANCE_INTERVAL_S},
    },
    "compare-zones": {
        "task": "provisioning.compare_zones",
        "schedule": DNS_COMPARE_INTERVAL_S,
        "options": {"expires": DNS_COMPARE_INTERVAL_S},
    },
    "tidy": {"task": "provisioning.tidy", "schedule": 24 * 3600},
    "sync-members": {"task": "provisioning.sync_members", "schedule": 300, "options": {"expires": 300}},
    "end-git-tokens": {"task": "provisioning.end_git_tokens", "schedule": 300, "options": {"expires": 300}},
}
