"""Pages of names."""

from django.urls import URLPattern, path

from paas.portal.names import views as domains

urlpatterns: list[URLPattern] = [
    path("apps/<str:app>/environments/<str:env>/domains/", domains.domain_page, name="domains"),
    path("apps/<str:app>/environments/<str:env>/domains/progress/", domains.domain_progress, name="domains-progress"),
    path(
        "apps/<str:app>/environments/<str:env>/domains/<int:domain>/check/", domains.domain_check, name="domain-check"
    ),
    path("apps/<str:app>/environments/<str:env>/domains/<int:domain>/remove/", domains.domain_end, name="domain-end"),
]
