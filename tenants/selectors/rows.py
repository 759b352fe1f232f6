"""Rows together with everything that their representation needs: a fixed number of queries, however many rows."""

from django.db.models import Prefetch, QuerySet

from tenants.models import AuditEvent, Environment, Organization, PluginApp, Release, Review


def organizations() -> QuerySet[Organization]:
    return Organization.objects.all()


def environments() -> QuerySet[Environment]:
    return Environment.objects.select_related("app__organization", "current_release").prefetch_related(
        "subdomains", "variables"
    )


def apps() -> QuerySet[PluginApp]:
    shown = Environment.objects.select_related("current_release").prefetch_related("subdomains")
    return PluginApp.objects.select_related("organization", "created_by").prefetch_related(
        Prefetch("environments", queryset=shown)
    )


def releases() -> QuerySet[Release]:
    return Release.objects.select_related("app__organization", "environment", "submitted_by").prefetch_related(
        Prefetch("reviews", queryset=Review.objects.select_related("reviewer"))
    )


def timeline() -> QuerySet[AuditEvent]:
    return AuditEvent.objects.select_related("actor", "release")
