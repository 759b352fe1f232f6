"""Paths under /api/v1/."""

from django.urls import path

from tenants.apps.api import apps, environments
from tenants.audit.api import views as audit
from tenants.names.api import domains, held_names
from tenants.organizations.api import organizations, quotas
from tenants.people.api import invitations, second_factor, service_accounts, users
from tenants.policies.api import explanations as access
from tenants.policies.api import grants, policies
from tenants.releases.api import views as releases

urlpatterns = [
    path("me/", organizations.MeView.as_view()),
    path("me/second-factor/", second_factor.SecondFactorView.as_view()),
    path("me/second-factor/confirm/", second_factor.SecondFactorConfirmView.as_view()),
    path("me/second-factor/recovery-codes/", second_factor.RecoveryCodesView.as_view()),
    path("users/<str:username>/second-factor/", second_factor.UserSecondFactorView.as_view()),
    path("organizations/", organizations.OrganizationListView.as_view()),
    path("organizations/<str:slug>/", organizations.OrganizationView.as_view()),
    path("organizations/<str:slug>/quota/", quotas.OrganizationQuotaView.as_view()),
    path("users/<str:username>/quota/", quotas.PersonQuotaView.as_view()),
    path("organizations/<str:slug>/members/", organizations.MemberListView.as_view()),
    path("organizations/<str:slug>/members/<str:username>/", organizations.MemberView.as_view()),
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
    path("apps/", apps.AppListView.as_view()),
    path("apps/<str:app>/", apps.AppView.as_view()),
    path("apps/<str:app>/grants/", grants.AppGrantListView.as_view()),
    path("apps/<str:app>/grants/<int:grant>/", grants.AppGrantView.as_view()),
    path("apps/<str:app>/timeline/", audit.TimelineView.as_view()),
    path("apps/<str:app>/environments/<str:env>/", environments.EnvironmentView.as_view()),
    path("apps/<str:app>/environments/<str:env>/fallback/", environments.FallbackView.as_view()),
    path("apps/<str:app>/environments/<str:env>/variables/<str:name>/", environments.VariableView.as_view()),
    path("apps/<str:app>/environments/<str:env>/domains/", domains.DomainListView.as_view()),
    path("apps/<str:app>/environments/<str:env>/domains/<int:domain>/", domains.DomainView.as_view()),
    path("apps/<str:app>/environments/<str:env>/domains/<int:domain>/check/", domains.DomainCheckView.as_view()),
    path("apps/<str:app>/releases/", releases.AppReleaseListView.as_view()),
    path("held-names/", held_names.HeldNameListView.as_view()),
    path("held-names/<int:held_name>/release/", held_names.HeldNameReleaseView.as_view()),
    path("policies/", policies.PolicyListView.as_view()),
    path("policies/<int:policy>/", policies.PolicyView.as_view()),
    path("policies/<int:policy>/versions/", policies.PolicyVersionListView.as_view()),
    path("policies/<int:policy>/simulate/", policies.SimulationView.as_view()),
    path("freezes/", policies.FreezeListView.as_view()),
    path("freezes/<int:freeze>/end/", policies.FreezeEndView.as_view()),
    path("audit/", audit.AuditListView.as_view()),
    path("audit/export/", audit.AuditExportView.as_view()),
    path("access/explain/", access.ExplainView.as_view()),
    path("access/who-can/", access.WhoCanView.as_view()),
    path("releases/", releases.ReleaseListView.as_view()),
    path("releases/<int:release>/", releases.ReleaseView.as_view()),
    path("releases/<int:release>/grants/", grants.ReleaseGrantListView.as_view()),
    path("releases/<int:release>/grants/<int:grant>/", grants.ReleaseGrantView.as_view()),
    path("releases/<int:release>/approve/", releases.ApproveView.as_view()),
    path("releases/<int:release>/reject/", releases.RejectView.as_view()),
    path("releases/<int:release>/cancel/", releases.CancelView.as_view()),
]
