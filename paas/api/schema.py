"""The OpenAPI document: where it is, and how one signs in."""

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny

from tenants.rest.permissions import OwnAffair

# Swagger UI writes style attributes; its scripts come from files.
_DOCS_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = "paas.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "A token from POST /api/v1/tokens/"}


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = "paas.api.authentication.PortalSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": "The portal's session"}


class SchemaView(SpectacularAPIView):
    access_actions = {"GET": OwnAffair("the document is the same for everybody; it tells of no row", scope=None)}
    query_parameters = {"GET": ("format", "lang", "version")}
    authentication_classes = []
    permission_classes = [AllowAny]
    renderer_classes = [OpenApiJsonRenderer]


class DocsView(SpectacularSwaggerSplitView):
    access_actions = {"GET": OwnAffair("the page is the same for everybody; it tells of no row", scope=None)}
    query_parameters = {"GET": ("script",)}
    flags = ("script",)
    authentication_classes = []
    permission_classes = [AllowAny]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        response.headers["Content-Security-Policy"] = _DOCS_POLICY
        return response
