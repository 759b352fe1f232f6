"""Query parameters that narrow a list of apps."""

import django_filters
from django.db.models import Q, QuerySet

from tenants.access.finding import number_of
from tenants.apps.choices import AppState
from tenants.apps.models.plugin_app import PluginApp


class AppFilter(django_filters.FilterSet):
    organization = django_filters.CharFilter(field_name="organization__slug", help_text="The organization's slug")
    state = django_filters.ChoiceFilter(choices=AppState.choices)
    search = django_filters.CharFilter(
        method="by_text", max_length=100, help_text="Part of the name or slug, or the app's id"
    )

    class Meta:
        model = PluginApp
        fields: list[str] = []

    def by_text(self, queryset: QuerySet[PluginApp], _name: str, value: str) -> QuerySet[PluginApp]:
        found = Q(name__icontains=value) | Q(slug__icontains=value)
        number = number_of(value.strip().lower())
        return queryset.filter(found if number is None else found | Q(number=number))
