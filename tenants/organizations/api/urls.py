"""Paths of organizations under /api/v1/."""

from django.urls import URLPattern, path

from tenants.organizations.api import organizations, quotas

urlpatterns: list[URLPattern] = [
    path("organizations/", organizations.OrganizationListView.as_view()),
    path("organizations/<str:slug>/", organizations.OrganizationView.as_view()),
    path("organizations/<str:slug>/quota/", quotas.OrganizationQuotaView.as_view()),
    path("users/<str:username>/quota/", quotas.PersonQuotaView.as_view()),
    path("organizations/<str:slug>/members/", organizations.MemberListView.as_view()),
    path("organizations/<str:slug>/members/<str:username>/", organizations.MemberView.as_view()),
]
