"""Deployments, rollbacks, differences, hosts and git tokens."""

from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from provisioning.certificates.models import Certificate
from provisioning.containers.choices import WorkloadState
from provisioning.inventory.models.host import Host
from provisioning.operations.models import Deployment
from provisioning.releases.api import serializers
from provisioning.releases.services.rollbacks import rollback_request
from provisioning.repositories.services.git_tokens import git_token_revoke, git_tokens_listed
from provisioning.repositories.services.repositories import git_token_create, git_tokens_revoke
from tenants import access
from tenants.audit.request_context import authentication
from tenants.exceptions import NotPermitted
from tenants.people.choices import TokenScope
from tenants.people.models.user import User
from tenants.rest.base import again, get_app, get_environment, get_visible, signed_in
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentCreate
from tenants.rest.permissions import OwnAffair


def deployments() -> QuerySet[Deployment]:
    related = ("app__organization", "environment", "release", "requested_by")
    return Deployment.objects.select_related(*related).prefetch_related("steps")


class DeploymentListView(ListAPIView[Deployment]):
    """The deployments of an app, newest first."""

    access_actions = {"GET": "deployment.view"}
    serializer_class = serializers.DeploymentSerializer
    filter_backends = []

    def get_queryset(self) -> QuerySet[Deployment]:
        if getattr(self, "swagger_fake_view", False):
            return Deployment.objects.none()
        app = get_app(self.request, self.kwargs["app"])
        return access.restrict(deployments().filter(app=app), self.request.user, "deployment.view")


class DeploymentView(APIView):
    access_actions = {"GET": "deployment.view"}

    @extend_schema(responses=serializers.DeploymentSerializer)
    def get(self, request: Request, deployment: int) -> Response:
        row = get_visible(deployments(), user=request.user, action="deployment.view", pk=deployment)
        return Response(serializers.DeploymentSerializer(row).data)


class RollbackView(IdempotentCreate):
    access_actions = {"POST": "release.rollback"}
    creates = "deployment"

    @extend_schema(
        request=serializers.RollbackSerializer,
        responses={201: serializers.DeploymentSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Puts an earlier release back: the numbered one, or the last good one."""
        return super().post(request, **kwargs)

    def create(self, request: Request, **kwargs: Any) -> Deployment:
        environment = get_environment(request, kwargs["app"], kwargs["env"])
        sent = serializers.RollbackSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        return rollback_request(
            environment=environment, number=sent.validated_data.get("release"), actor=signed_in(request)
        )

    def represent(self, row: Deployment) -> Any:
        return serializers.DeploymentSerializer(again(deployments(), row)).data


class HostListView(ListAPIView[Host]):
    """The inventory of machines, for operators."""

    access_actions = {"GET": "host.view"}
    serializer_class = serializers.HostSerializer
    filter_backends = []

    def get_queryset(self) -> QuerySet[Host]:
        if getattr(self, "swagger_fake_view", False):
            return Host.objects.none()
        if not access.may_ever(self.request.user, "host.view"):
            raise Http404
        running = Q(workloads__state__in=[WorkloadState.STARTING, WorkloadState.SERVING])
        leased = Q(port_leases__free_at=None, port_leases__pk__isnull=False)
        hosts = Host.objects.annotate(
            workload_count=Count("workloads", filter=running, distinct=True),
            port_count=Count("port_leases", filter=leased, distinct=True),
        )
        return access.restrict(hosts, self.request.user, "host.view")


class CertificateListView(ListAPIView[Certificate]):
    """The certificates of zones and of customers' hostnames, for operators."""

    access_actions = {"GET": "certificate.view"}
    serializer_class = serializers.CertificateSerializer
    filter_backends = []

    def get_queryset(self) -> QuerySet[Certificate]:
        if getattr(self, "swagger_fake_view", False):
            return Certificate.objects.none()
        if not access.may_ever(self.request.user, "certificate.view"):
            raise Http404
        return access.restrict(Certificate.objects.all(), self.request.user, "certificate.view")


class GitTokenView(APIView):
    access_actions = {
        "GET": OwnAffair("everybody sees when their own tokens were made and used"),
        "POST": OwnAffair("it is made for oneself, and opens only what one belongs to", scope=TokenScope.DEPLOY),
        "DELETE": OwnAffair("everybody ends the tokens that they have made for themselves", scope=TokenScope.DEPLOY),
    }

    @extend_schema(operation_id="me_git_token_list", responses=serializers.GitTokenListed(many=True))
    def get(self, request: Request) -> Response:
        """Your tokens for git that are in force, the newest first, each without its text."""
        return Response(serializers.GitTokenListed(git_tokens_listed(user=signed_in(request)), many=True).data)

    @extend_schema(request=None, responses={201: serializers.GitTokenSerializer})
    def post(self, request: Request) -> Response:
        """A token for git over HTTP: the user name as user name, the token as password. Shown once."""
        user = signed_in(request)
        _refuse_smaller_token(user)
        username, token, expires_on = git_token_create(user=user)
        body = {"username": username, "token": token, "expires_on": expires_on}
        return Response(serializers.GitTokenSerializer(body).data, status=201)

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
