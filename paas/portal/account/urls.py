"""Pages of account."""

from django.urls import URLPattern, path

from paas.portal.account import security, sign_in, tokens

urlpatterns: list[URLPattern] = [
    path("sign-in/", sign_in.SignInView.as_view(), name="sign-in"),
    path("sign-in/code/", sign_in.CodeView.as_view(), name="sign-in-code"),
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
