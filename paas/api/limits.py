"""How large things may be in this installation."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from provisioning.rendering.limits import MAX_BODY_MIB
from tenants import validators
from tenants.rest.pagination import MAX_PAGE_SIZE
from tenants.rest.permissions import OwnAffair

MIB = 1024 * 1024


class LimitsSerializer(serializers.Serializer[Any]):
    request_body_bytes = serializers.IntegerField(help_text="The body of one call of this API")
    push_bytes = serializers.IntegerField(allow_null=True, help_text="One git push; null: a GitLab of yours decides")
    release_bytes = serializers.IntegerField(help_text="All files of one release")
    release_files = serializers.IntegerField(help_text="The number of files of one release")
    visitor_body_bytes = serializers.IntegerField(
        help_text="What a visitor may send to an app at once; less in an environment whose disk_mib is below twice that"
    )
    variable_bytes = serializers.IntegerField(help_text="The value of one variable")
    variables_bytes = serializers.IntegerField(help_text="All variables of one environment, as JSON")
    text_characters = serializers.IntegerField(help_text="Notes and comments")
    page_size = serializers.IntegerField(help_text="The rows of one page of a list")
    requests = serializers.DictField(child=serializers.CharField(), help_text="How often one may ask")
    quotas = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="What an organization or person may have, unless an operator has set another limit for them",
    )


class LimitsView(APIView):
    access_actions = {"GET": OwnAffair("the installation's limits are the same for everybody; they tell of no row")}

    @extend_schema(operation_id="limits", responses=LimitsSerializer)
    def get(self, request: Request) -> Response:
        """How large and how many things may be. Of an organization: `/organizations/{slug}/quota/`."""
        limits = {
            "request_body_bytes": settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
            "push_bytes": settings.EMBEDDED_FORGE_MAX_PUSH_BYTES if settings.EMBEDDED_FORGE else None,
            "release_bytes": settings.MAX_RELEASE_BYTES,
            "release_files": settings.MAX_RELEASE_FILES,
            "visitor_body_bytes": MAX_BODY_MIB * MIB,
            "variable_bytes": validators.MAX_VALUE_BYTES,
            "variables_bytes": validators.MAX_VARIABLES_BYTES,
            "text_characters": validators.MAX_TEXT,
            "page_size": MAX_PAGE_SIZE,
            "requests": settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"],
            "quotas": settings.QUOTAS,
        }
        return Response(LimitsSerializer(limits).data)
