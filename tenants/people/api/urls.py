"""Paths of people under /api/v1/."""

from django.urls import URLPattern, path

from tenants.people.api import invitations, second_factor, service_accounts, users
from tenants.people.api.me import MeView

urlpatterns: list[URLPattern] = [
    path("me/", MeView.as_view()),
    path("me/second-factor/", second_factor.SecondFactorView.as_view()),
    path("me/second-factor/confirm/", second_factor.SecondFactorConfirmView.as_view()),
    path("me/second-factor/recovery-codes/", second_factor.RecoveryCodesView.as_view()),
    path("users/<str:username>/second-factor/", second_factor.UserSecondFactorView.as_view()),
    path("organizations/<str:slug>/invitations/", invitations.OrganizationInvitationListView.as_view()),
    path("organizations/<str:slug>/invitations/<int:invitation>/", invitations.OrganizationInvitationView.as_view()),
    path("organizations/<str:slug>/service-accounts/", service_accounts.ServiceAccountListView.as_view()),
    path("organizations/<str:slug>/service-accounts/<str:name>/", service_accounts.ServiceAccountView.as_view()),
    path(
        "organizations/<str:slug>/service-accounts/<str:name>/tokens/",
        service_accounts.ServiceAccountTokenListView.as_view(),
    ),
    path("invitations/", invitations.InvitationListView.as_view()),
    path("invitations/<int:invitation>/accept/", invitations.AcceptView.as_view()),
    path("invitations/<int:invitation>/decline/", invitations.DeclineView.as_view()),
    path("users/", users.UserListView.as_view()),
    path("users/<str:username>/", users.UserView.as_view()),
]
