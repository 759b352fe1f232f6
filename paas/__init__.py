"""The roof: wires tenants and provisioning together and shows them to people."""

from paas.celery import app as celery_app

__all__ = ["celery_app"]
