"""Pages of organizations."""

from django.urls import URLPattern, path

from paas.portal.organizations import members, quotas, service_accounts
from paas.portal.organizations import views as organizations

urlpatterns: list[URLPattern] = [
    path("organizations/", organizations.organization_list, name="organizations"),
    path("organizations/new/", organizations.organization_new, name="organization-new"),
    path("organizations/<str:slug>/", organizations.organization_page, name="organization"),
    path("organizations/<str:slug>/limits/", quotas.limits, name="organization-limits"),
    path("organizations/<str:slug>/invitations/", members.invite, name="invite"),
    path("organizations/<str:slug>/invitations/<int:invitation>/revoke/", members.revoke, name="invitation-revoke"),
    path("organizations/<str:slug>/members/<str:username>/role/", members.change_role, name="member-role"),
    path("organizations/<str:slug>/members/<str:username>/remove/", members.remove, name="member-remove"),
    path("organizations/<str:slug>/service-accounts/", service_accounts.account_new, name="account-new"),
    path(
        "organizations/<str:slug>/service-accounts/<str:name>/remove/",
        service_accounts.account_end,
        name="account-end",
    ),
    path("organizations/<str:slug>/service-accounts/tokens/", service_accounts.account_token, name="account-token"),
    path("invitations/<int:invitation>/accept/", members.accept, name="invitation-accept"),
    path("invitations/<int:invitation>/decline/", members.decline, name="invitation-decline"),
]
