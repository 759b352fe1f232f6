"""The portal's pages, at the root of the site."""

from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, path
from django.views.generic import RedirectView

from paas.portal.views import app_page, apps, organizations, releases, reviews, rollbacks, security, sign_in, tokens

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
    path("apps/<str:app>/releases/", app_page.release_list, name="app-releases"),
    path("apps/<str:app>/releases/new/", releases.release_new, name="release-new"),
    path("apps/<str:app>/deployments/", app_page.deployment_list, name="app-deployments"),
    path("apps/<str:app>/timeline/", app_page.timeline, name="app-timeline"),
    path("apps/<str:app>/environments/<str:env>/logs/", app_page.log_page, name="logs"),
    path("apps/<str:app>/environments/<str:env>/rollback/", rollbacks.rollback, name="rollback"),
    path("deployments/<int:deployment>/", app_page.deployment_page, name="deployment"),
    path("deployments/<int:deployment>/progress/", app_page.deployment_progress, name="deployment-progress"),
    path("organizations/new/", organizations.organization_new, name="organization-new"),
    path("releases/<int:release>/", releases.release_page, name="release"),
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
    path("tokens/api/", tokens.api_token, name="api-token"),
    path("tokens/api/<int:token>/revoke/", tokens.api_token_end, name="api-token-end"),
]
