"""The portal's pages, at the root of the site."""

from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, path
from django.views.generic import RedirectView

from paas.portal.account import security, sign_in, tokens
from paas.portal.apps import app_page
from paas.portal.apps import views as apps
from paas.portal.names import views as domains
from paas.portal.organizations import members, quotas, service_accounts
from paas.portal.organizations import views as organizations
from paas.portal.releases import contents, rollbacks
from paas.portal.releases import views as releases
from paas.portal.reviews import views as reviews

app_name = "portal"
urlpatterns: list[URLPattern] = [
    path("", RedirectView.as_view(pattern_name="portal:apps"), name="home"),
    path("sign-in/", sign_in.SignInView.as_view(), name="sign-in"),
    path("sign-in/code/", sign_in.CodeView.as_view(), name="sign-in-code"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("apps/", apps.app_list, name="apps"),
    path("apps/new/", apps.app_new, name="app-new"),
    path("apps/<str:app>/", app_page.app_page, name="app"),
    path("apps/<str:app>/progress/", app_page.app_progress, name="app-progress"),
    path("apps/<str:app>/retire/", apps.app_end, name="app-retire"),
    path("apps/<str:app>/releases/", app_page.release_list, name="app-releases"),
    path("apps/<str:app>/releases/new/", releases.release_new, name="release-new"),
    path("apps/<str:app>/deployments/", app_page.deployment_list, name="app-deployments"),
    path("apps/<str:app>/timeline/", app_page.timeline, name="app-timeline"),
    path("apps/<str:app>/environments/<str:env>/domains/", domains.domain_page, name="domains"),
    path("apps/<str:app>/environments/<str:env>/domains/progress/", domains.domain_progress, name="domains-progress"),
    path(
        "apps/<str:app>/environments/<str:env>/domains/<int:domain>/check/", domains.domain_check, name="domain-check"
    ),
    path("apps/<str:app>/environments/<str:env>/domains/<int:domain>/remove/", domains.domain_end, name="domain-end"),
    path("apps/<str:app>/environments/<str:env>/logs/", app_page.log_page, name="logs"),
    path("apps/<str:app>/environments/<str:env>/rollback/", rollbacks.rollback, name="rollback"),
    path("deployments/<int:deployment>/", app_page.deployment_page, name="deployment"),
    path("deployments/<int:deployment>/progress/", app_page.deployment_progress, name="deployment-progress"),
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
    path("releases/<int:release>/", releases.release_page, name="release"),
    path("releases/<int:release>/files/", contents.release_files, name="release-files"),
    path("releases/<int:release>/files/view/", contents.release_file, name="release-file"),
    path("releases/<int:release>/diff/file/", contents.release_file_diff, name="release-file-diff"),
    path("releases/<int:release>/progress/", releases.release_progress, name="release-progress"),
    path("releases/<int:release>/cancel/", releases.cancel, name="release-cancel"),
    path("releases/<int:release>/review/", reviews.review, name="review"),
    path("reviews/", reviews.review_queue, name="reviews"),
    path("security/", security.security_page, name="security"),
    path("security/set-up/", security.set_up, name="second-factor-set-up"),
    path("security/confirm/", security.confirm, name="second-factor-confirm"),
    path("security/recovery-codes/", security.renew, name="recovery-codes"),
    path("security/remove/", security.remove, name="second-factor-remove"),
    path("tokens/", tokens.token_page, name="tokens"),
    path("tokens/git/", tokens.git_token, name="git-token"),
    path("tokens/git/<int:token>/revoke/", tokens.git_token_end, name="git-token-end"),
    path("tokens/git/revoke/", tokens.git_tokens_end, name="git-tokens-end"),
    path("tokens/api/", tokens.api_token, name="api-token"),
    path("tokens/api/<int:token>/revoke/", tokens.api_token_end, name="api-token-end"),
]
