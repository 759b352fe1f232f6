"""Paths of reviews under /api/v1/."""

from django.urls import URLPattern, path

from tenants.reviews.api.views import ApproveView, RejectView

urlpatterns: list[URLPattern] = [
    path("releases/<int:release>/approve/", ApproveView.as_view()),
    path("releases/<int:release>/reject/", RejectView.as_view()),
]
