"""The query parameters that narrow a list."""

import django_filters
from django.db.models import Q, QuerySet

from tenants.apps.choices import AppState, EnvironmentName
from tenants.apps.models.plugin_app import PluginApp
from tenants.people.choices import InvitationState, PlatformRole
from tenants.people.models.credentials import ApiToken
from tenants.people.models.invitation import Invitation
from tenants.people.models.user import User
from tenants.releases.choices import ReleaseState
from tenants.releases.models.release import Release
from tenants.rest.base import number_of


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


class InvitationFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=InvitationState.choices)

    class Meta:
        model = Invitation
        fields: list[str] = []


class TokenFilter(django_filters.FilterSet):
    user = django_filters.CharFilter(
        field_name="user__username", lookup_expr="iexact", max_length=150, help_text="A user name"
    )

    class Meta:
        model = ApiToken
        fields: list[str] = []


class UserFilter(django_filters.FilterSet):
    search = django_filters.CharFilter(
        method="by_text", max_length=100, help_text="Part of the user name or of the e-mail address"
    )
    role = django_filters.ChoiceFilter(method="by_role", choices=PlatformRole.choices)
    is_active = django_filters.BooleanFilter()

    class Meta:
        model = User
        fields: list[str] = []

    def by_text(self, queryset: QuerySet[User], _name: str, value: str) -> QuerySet[User]:
        return queryset.filter(Q(username__icontains=value) | Q(email__icontains=value))

    def by_role(self, queryset: QuerySet[User], _name: str, value: str) -> QuerySet[User]:
        return queryset.filter(**{f"is_{value}": True})
