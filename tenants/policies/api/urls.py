"""Paths of policies under /api/v1/."""

from django.urls import URLPattern, path

from tenants.policies.api import explanations as access
from tenants.policies.api import grants, policies

urlpatterns: list[URLPattern] = [
    path("apps/<str:app>/grants/", grants.AppGrantListView.as_view()),
    path("apps/<str:app>/grants/<int:grant>/", grants.AppGrantView.as_view()),
    path("policies/", policies.PolicyListView.as_view()),
    path("policies/<int:policy>/", policies.PolicyView.as_view()),
    path("policies/<int:policy>/versions/", policies.PolicyVersionListView.as_view()),
    path("policies/<int:policy>/simulate/", policies.SimulationView.as_view()),
    path("freezes/", policies.FreezeListView.as_view()),
    path("freezes/<int:freeze>/end/", policies.FreezeEndView.as_view()),
    path("access/explain/", access.ExplainView.as_view()),
    path("access/who-can/", access.WhoCanView.as_view()),
    path("releases/<int:release>/grants/", grants.ReleaseGrantListView.as_view()),
    path("releases/<int:release>/grants/<int:grant>/", grants.ReleaseGrantView.as_view()),
]
