"""Paths of names under /api/v1/."""

from django.urls import URLPattern, path

from tenants.names.api import domains, held_names

urlpatterns: list[URLPattern] = [
    path("apps/<str:app>/environments/<str:env>/domains/", domains.DomainListView.as_view()),
    path("apps/<str:app>/environments/<str:env>/domains/<int:domain>/", domains.DomainView.as_view()),
    path("apps/<str:app>/environments/<str:env>/domains/<int:domain>/check/", domains.DomainCheckView.as_view()),
    path("held-names/", held_names.HeldNameListView.as_view()),
    path("held-names/<int:held_name>/release/", held_names.HeldNameReleaseView.as_view()),
]
