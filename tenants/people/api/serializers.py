"""What clients send and get about people: members, invitations, service accounts, tokens, users, grants."""

from typing import Any

from rest_framework import serializers

from tenants.people.choices import InvitationState, MemberRole, TokenScope
from tenants.people.models.credentials import ApiToken
from tenants.people.models.invitation import Invitation
from tenants.people.models.user import User
from tenants.people.services.service_accounts import service_account_name
from tenants.people.services.tokens import DEFAULT_TTL
from tenants.releases.models.authorship import ServiceAccountKeeper
from tenants.rest.fields import Flag, StrictSerializer, Text, TextList, WholeNumber


class MemberChange(StrictSerializer):
    role = Text(help_text="owner, maintainer or developer")


class InvitationCreate(StrictSerializer):
    username = Text(help_text="An existing person's user name")
    role = Text(help_text="owner, maintainer or developer")


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    organization = serializers.CharField(source="organization.slug", read_only=True)
    organization_name = serializers.CharField(source="organization.name", read_only=True)
    username = serializers.CharField(source="invitee.username", read_only=True, help_text="Who is invited")
    role = serializers.ChoiceField(choices=MemberRole.choices, read_only=True)
    state = serializers.ChoiceField(choices=InvitationState.choices, read_only=True)
    invited_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)

    class Meta:
        model = Invitation
        fields = [
            *("id", "organization", "organization_name", "username", "role", "state", "invited_by"),
            *("created_at", "expires_at", "ended_at"),
        ]


class ServiceAccountCreate(StrictSerializer):
    name = Text(help_text="Within the organization: 1 to 40 of a-z, 0-9 and '-'")
    role = Text(help_text="maintainer or developer")


class KeeperSerializer(serializers.ModelSerializer[ServiceAccountKeeper]):
    username = serializers.CharField(source="person.username")
    until = serializers.DateTimeField(
        allow_null=True, help_text="When the tokens that they made, and all tokens for git, ended with them"
    )

    class Meta:
        model = ServiceAccountKeeper
        fields = ["username", "since", "until"]


class ServiceAccountSerializer(serializers.Serializer[User]):
    """`keepers` made the account or tokens of it: what it does counts as theirs, and its tokens end with them."""

    name = serializers.SerializerMethodField()
    username = serializers.CharField()
    role = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField(source="date_joined")
    keepers = KeeperSerializer(many=True)

    def get_name(self, account: User) -> str:
        return service_account_name(account)

    def get_role(self, account: User) -> str | None:
        # It belongs to its own organization and to no other.
        return next((membership.role for membership in account.memberships.all()), None)


class TokenRequest(StrictSerializer):
    """What every new token needs, whoever makes it."""

    name = Text(help_text="What the token is for, for your own list")
    organization = Text(required=False, help_text="The slug of the only organization that the token is for")
    app = Text(required=False, help_text="The id of the only app that the token is for")
    expires_in_days = WholeNumber(
        required=False,
        help_text=f"1 to 365. If left out {DEFAULT_TTL.days}, or as long as the token that it is made with",
    )


class ServiceAccountTokenCreate(TokenRequest):
    organization = None  # type: ignore[assignment]
    scopes = TextList(help_text="One or more of read, deploy, review, operate")


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    user = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=TokenScope.choices), read_only=True)
    organization = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True, allow_null=True)
    app = serializers.SerializerMethodField(help_text="The id of the only app that it is for")
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True, allow_null=True)
    keeper = serializers.SlugRelatedField[Any](
        slug_field="username",
        read_only=True,
        allow_null=True,
        help_text="Of a service account's token: the person with whom it ends",
    )

    class Meta:
        model = ApiToken
        fields = [
            *("id", "name", "user", "scopes", "organization", "app", "has_second_factor"),
            *("created_at", "created_by", "keeper", "expires_at", "last_used_at"),
        ]

    def get_app(self, token: ApiToken) -> str | None:
        return token.app.public_id if token.app else None


class TokenCreated(TokenSerializer):
    """A new token, with its text."""

    token = serializers.CharField(source="text", read_only=True, help_text="Shown this once")

    class Meta(TokenSerializer.Meta):
        fields = ["token", *TokenSerializer.Meta.fields]


class UserCreate(StrictSerializer):
    username = Text()
    email = Text()
    password = Text(max_length=1000, style={"input_type": "password"})
    is_reviewer = Flag(required=False, default=False)
    is_operator = Flag(required=False, default=False)
    is_auditor = Flag(required=False, default=False)


class UserChange(StrictSerializer):
    email = Text(required=False)
    is_active = Flag(required=False, help_text="false ends sessions, tokens and streams at once")
    is_reviewer = Flag(required=False)
    is_operator = Flag(required=False)
    is_auditor = Flag(required=False)
    groups = TextList(required=False, help_text="Names; a group that does not exist is made")


class UserSerializer(serializers.ModelSerializer[User]):
    groups: Any = serializers.SlugRelatedField(slug_field="name", many=True, read_only=True)
    service_organization = serializers.SlugRelatedField[Any](
        slug_field="slug", read_only=True, allow_null=True, help_text="null for a person"
    )

    class Meta:
        model = User
        fields = [
            *("username", "email", "is_active", "is_reviewer", "is_operator", "is_auditor", "groups"),
            *("service_organization", "date_joined", "last_login"),
        ]


class UserChanged(UserSerializer):
    organizations_without_owner = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="Slugs of organizations whose only owner this is: nobody manages them while the account is inactive",
    )

    class Meta(UserSerializer.Meta):
        fields = [*UserSerializer.Meta.fields, "organizations_without_owner"]
