"""Query parameters that narrow lists of invitations, tokens and accounts."""

import django_filters
from django.db.models import Q, QuerySet

from tenants.people.choices import InvitationState, PlatformRole
from tenants.people.models.credentials import ApiToken
from tenants.people.models.invitation import Invitation
from tenants.people.models.user import User


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
