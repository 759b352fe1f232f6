"""A person's own tokens for git."""

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from provisioning.repositories.api.serializers import GitTokenListed, GitTokenSerializer
from provisioning.repositories.services.git_tokens import git_token_revoke, git_tokens_listed
from provisioning.repositories.services.repositories import git_token_create, git_tokens_revoke
from tenants.audit.request_context import authentication
from tenants.exceptions import NotPermitted
from tenants.people.choices import TokenScope
from tenants.people.models.user import User
from tenants.rest.base import signed_in
from tenants.rest.permissions import OwnAffair


class GitTokenView(APIView):
    access_actions = {
        "GET": OwnAffair("everybody sees when their own tokens were made and used"),
        "POST": OwnAffair("it is made for oneself, and opens only what one belongs to", scope=TokenScope.DEPLOY),
        "DELETE": OwnAffair("everybody ends the tokens that they have made for themselves", scope=TokenScope.DEPLOY),
    }

    @extend_schema(operation_id="me_git_token_list", responses=GitTokenListed(many=True))
    def get(self, request: Request) -> Response:
        """Your tokens for git that are in force, the newest first, each without its text."""
        return Response(GitTokenListed(git_tokens_listed(user=signed_in(request)), many=True).data)

    @extend_schema(request=None, responses={201: GitTokenSerializer})
    def post(self, request: Request) -> Response:
        """A token for git over HTTP: the user name as user name, the token as password. Shown once."""
        user = signed_in(request)
        _refuse_smaller_token(user)
        username, token, expires_on = git_token_create(user=user)
        body = {"username": username, "token": token, "expires_on": expires_on}
        return Response(GitTokenSerializer(body).data, status=201)

    @extend_schema(responses={204: None})
    def delete(self, request: Request) -> Response:
        """Revokes all your tokens for git, at once. One alone: `DELETE /me/git-token/{id}/`."""
        user = signed_in(request)
        _refuse_smaller_token(user)
        git_tokens_revoke(user=user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class OneGitTokenView(APIView):
    access_actions = {
        "DELETE": OwnAffair("everybody ends the tokens that they have made for themselves", scope=TokenScope.DEPLOY),
    }

    @extend_schema(operation_id="me_git_token_revoke", responses={204: None})
    def delete(self, request: Request, git_token: int) -> Response:
        """Revokes one of your tokens for git, at once."""
        user = signed_in(request)
        _refuse_smaller_token(user)
        if not git_token_revoke(user=user, token_id=git_token, actor=user):
            raise Http404
        return Response(status=status.HTTP_204_NO_CONTENT)


def _refuse_smaller_token(user: User) -> None:
    """Git opens every repository that its user may reach: a token for less must not make one for it, nor end any."""
    came_in = authentication.get()
    if came_in.app_id is not None or came_in.organization_id not in (None, user.service_organization_id):
        raise NotPermitted("the token is for one organization or app alone: use one that is not")
