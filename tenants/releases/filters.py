"""Query parameters that narrow a list of releases."""

import django_filters
from django.db.models import QuerySet

from tenants.access.finding import number_of
from tenants.apps.choices import EnvironmentName
from tenants.releases.choices import ReleaseState
from tenants.releases.models.release import Release


class AppReleaseFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=ReleaseState.choices)
    environment = django_filters.ChoiceFilter(field_name="environment__name", choices=EnvironmentName.choices)

    class Meta:
        model = Release
        fields: list[str] = []


class ReleaseFilter(AppReleaseFilter):
    app = django_filters.CharFilter(method="by_app", help_text="The app's id, app1000001")

    def by_app(self, queryset: QuerySet[Release], _name: str, value: str) -> QuerySet[Release]:
        number = number_of(value)
        return queryset.none() if number is None else queryset.filter(app__number=number)
