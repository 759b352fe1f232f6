"""The Celery application of beat alone, which knows when a task is due, and nothing of what it does.

Without Django and the tasks' modules it takes a third of the memory: `celery -A paas.beat beat`.
"""

import os

from celery import Celery

from paas import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paas.settings.embedded")

broker.register()
app = Celery("berth", fixups=[])
app.config_from_object("django.conf:settings", namespace="CELERY")
