"""The Celery application: worker and beat start with `celery -A paas`."""

import os

from celery import Celery

from paas import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paas.settings.embedded")

broker.register()
app = Celery("berth")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
