"""Everything under /api/v1/."""

from django.urls import include, path

from paas.api.health import HealthView
from paas.api.limits import LimitsView
from paas.api.schema import DocsView, SchemaView
from paas.api.tokens import TokenListView, TokenView

urlpatterns = [
    path("tokens/", TokenListView.as_view()),
    path("tokens/<int:token>/", TokenView.as_view()),
    path("limits/", LimitsView.as_view()),
    path("health/", HealthView.as_view(), name="health"),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(url_name="schema"), name="docs"),
    path("", include("tenants.rest.urls")),
    path("", include("provisioning.urls")),
]
