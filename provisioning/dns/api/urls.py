"""Paths of dns under /api/v1/."""

from django.urls import URLPattern, path

from provisioning.dns.api import views as zones

urlpatterns: list[URLPattern] = [
    path("dns/providers/", zones.DnsProviderListView.as_view()),
    path("dns/accounts/", zones.DnsAccountListView.as_view()),
    path("dns/accounts/<str:account>/", zones.DnsAccountView.as_view()),
    path("zones/", zones.ZoneListView.as_view()),
    path("zones/<str:zone>/", zones.ZoneView.as_view()),
    path("zones/<str:zone>/hosting/", zones.ZoneHostingView.as_view()),
    path("zones/<str:zone>/records/", zones.ZoneRecordListView.as_view()),
    path("zones/<str:zone>/plan/", zones.ZonePlanView.as_view()),
    path("zones/<str:zone>/apply/", zones.ZoneApplyView.as_view()),
    path("zones/<str:zone>/move/", zones.ZoneMoveView.as_view()),
    path("zones/<str:zone>/adopt/", zones.ZoneAdoptView.as_view()),
]
