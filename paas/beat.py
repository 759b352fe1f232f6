"""The Celery application of beat alone, which knows when a task is due, and nothing of what it does.

Without Django and the tasks' modules it takes less than half of the memory: `celery -A paas.beat beat`. The package's
own application, which is imported with it, has chosen the settings and the broker's transport.
"""

from celery import Celery

app = Celery("berth", fixups=[])
app.config_from_object("django.conf:settings", namespace="CELERY")
