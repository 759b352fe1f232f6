"""Paths of repositories under /api/v1/."""

from django.urls import URLPattern, path

from provisioning.repositories.api.git_tokens import GitTokenView, OneGitTokenView

urlpatterns: list[URLPattern] = [
    path("me/git-token/", GitTokenView.as_view()),
    path("me/git-token/<int:git_token>/", OneGitTokenView.as_view()),
]
