"""Paths of audit under /api/v1/."""

from django.urls import URLPattern, path

from tenants.audit.api import views as audit

urlpatterns: list[URLPattern] = [
    path("apps/<str:app>/timeline/", audit.TimelineView.as_view()),
    path("audit/", audit.AuditListView.as_view()),
    path("audit/export/", audit.AuditExportView.as_view()),
]
