"""What clients send and what they get. Rules are the services': here is only the shape."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tenants.apps.api.serializers_live import EnvironmentComparison
from tenants.apps.choices import AppState, EnvironmentName, Fallback, Stack
from tenants.apps.models.environment import ConfigVariable, Environment
from tenants.apps.models.plugin_app import PluginApp
from tenants.audit.choices import Actor
from tenants.organizations.models.organization import Membership, Organization
from tenants.people.choices import MemberRole, PlatformRole
from tenants.releases.choices import AuthorsState, Part, ReleaseState
from tenants.releases.models.authorship import ReleaseContributor
from tenants.releases.models.release import Release, Review
from tenants.rest.fields import Flag, StrictSerializer, Text, WholeNumber
from tenants.reviews.choices import ReviewDecision
from tenants.reviews.services.readings import NOT_SAID


class OrganizationCreate(StrictSerializer):
    name = Text()
    slug = Text()


class OrganizationSerializer(serializers.ModelSerializer[Organization]):
    class Meta:
        model = Organization
        fields = ["slug", "name", "created_at"]


class MemberSerializer(serializers.ModelSerializer[Membership]):
    username = serializers.CharField(source="user.username")
    role = serializers.ChoiceField(choices=MemberRole.choices)

    class Meta:
        model = Membership
        fields = ["username", "role", "created_at"]


class CurrentRelease(serializers.ModelSerializer[Release]):
    class Meta:
        model = Release
        fields = ["id", "number", "commit_sha"]


class EnvironmentSummary(serializers.ModelSerializer[Environment]):
    name = serializers.ChoiceField(choices=EnvironmentName.choices)
    hostnames: Any = serializers.SlugRelatedField(source="subdomains", slug_field="hostname", many=True, read_only=True)
    current_release = CurrentRelease(read_only=True, allow_null=True)

    class Meta:
        model = Environment
        fields = ["name", "hostnames", "current_release"]


class VariableSerializer(serializers.ModelSerializer[ConfigVariable]):
    """A variable without its value: that of one which is no secret is shown with the releases that have it."""

    class Meta:
        model = ConfigVariable
        fields = ["name", "is_secret", "updated_at"]


class VariableSet(StrictSerializer):
    value = Text(help_text="At most 4096 bytes; a secret's never comes back.", style={"input_type": "password"})
    secret = Flag(default=True, help_text="Masked in logs. Reviewers are shown the value of one that is none.")


class EnvironmentSerializer(EnvironmentComparison, EnvironmentSummary):
    """Settings and variables as the next release will have them; `live` has those of the release that is live."""

    fallback = serializers.ChoiceField(choices=Fallback.choices)
    variables = VariableSerializer(many=True, read_only=True)

    class Meta(EnvironmentSummary.Meta):
        fields = [
            *EnvironmentSummary.Meta.fields,
            *("memory_mib", "cpu_millis", "pids", "disk_mib", "health_check_path", "fallback", "variables"),
            *("live", "pending"),
        ]


class EnvironmentChange(StrictSerializer):
    memory_mib = WholeNumber(required=False, help_text="32 to 4096")
    cpu_millis = WholeNumber(required=False, help_text="Thousandths of one core, 50 to 4000")
    pids = WholeNumber(required=False, help_text="16 to 1024")
    disk_mib = WholeNumber(required=False, help_text="8 to 1024")
    health_check_path = Text(required=False)


class FallbackSet(StrictSerializer):
    fallback = Text(help_text="none, standby (a second set of containers) or host (the host's own nginx and php-fpm)")


class RepositorySerializer(serializers.Serializer[PluginApp]):
    http_url = serializers.SerializerMethodField()

    def get_http_url(self, app: PluginApp) -> str | None:
        return app.repository_http_url or None


class AppSerializer(serializers.ModelSerializer[PluginApp]):
    id = serializers.CharField(source="public_id", read_only=True, help_text="app1000001")
    organization = serializers.SlugRelatedField[Organization](slug_field="slug", read_only=True)
    state = serializers.ChoiceField(choices=AppState.choices, read_only=True)
    stack = serializers.ChoiceField(choices=Stack.choices, read_only=True)
    repository = RepositorySerializer(source="*", read_only=True)
    environments = EnvironmentSummary(many=True, read_only=True)
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)

    class Meta:
        model = PluginApp
        fields = [
            *("id", "organization", "name", "slug", "stack", "state", "error", "repository", "environments"),
            *("created_by", "created_at"),
        ]


class AppCreate(StrictSerializer):
    organization = Text(help_text="The organization's slug")
    name = Text()
    slug = Text()
    stack = Text(help_text="php or static")


class AppChange(StrictSerializer):
    name = Text(required=False)


class ReviewSerializer(serializers.ModelSerializer[Review]):
    reviewer = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    decision = serializers.ChoiceField(choices=ReviewDecision.choices, read_only=True)

    class Meta:
        model = Review
        fields = ["reviewer", "decision", "comment", "digest", "created_at"]


class FindingSerializer(serializers.Serializer[dict[str, Any]]):
    check = serializers.CharField(help_text="The kind: name, link, lfs, php, ...")
    severity = serializers.ChoiceField(choices=["error", "warning"])
    path = serializers.CharField(help_text="Empty if it is about the commit as a whole")
    line = serializers.IntegerField(allow_null=True)
    message = serializers.CharField()


class CheckSerializer(serializers.Serializer[dict[str, Any]]):
    name = serializers.CharField()
    state = serializers.CharField(help_text="passed, warned or failed")
    detail = serializers.CharField()
    findings = FindingSerializer(many=True, default=list)


class ContributorSerializer(serializers.ModelSerializer[ReleaseContributor]):
    username = serializers.CharField(source="user.username")
    part = serializers.ChoiceField(choices=Part.choices)
    through = serializers.CharField(
        source="through.username", help_text="The account that did it: `username`, or a service account of theirs"
    )

    class Meta:
        model = ReleaseContributor
        fields = ["username", "part", "through", "commits"]


class AuthorsSerializer(serializers.Serializer[Release]):
    """Who had a hand in it. Whoever made the commit wrote what is claimed, and it counts against nobody."""

    state = serializers.ChoiceField(
        source="authors_state",
        choices=AuthorsState.choices,
        help_text="Whether it is known who pushed each commit. Nobody can approve the release before it is.",
    )
    note = serializers.CharField(source="authors_note", help_text="What is not known, and what to do about it")
    claimed_author = serializers.CharField(source="commit_author")
    claimed_emails = serializers.ListField(source="commit_author_emails", child=serializers.CharField())
    contributors = ContributorSerializer(many=True, help_text="None of them may decide on the release")


class ReleaseSerializer(serializers.ModelSerializer[Release]):
    app = serializers.CharField(source="app.public_id", read_only=True)
    organization = serializers.CharField(source="app.organization.slug", read_only=True)
    environment = serializers.ChoiceField(source="environment.name", choices=EnvironmentName.choices, read_only=True)
    state = serializers.ChoiceField(choices=ReleaseState.choices, read_only=True)
    commit_sha = serializers.SerializerMethodField(help_text="null until the ref is resolved")
    digest = serializers.SerializerMethodField(help_text="What a review is bound to; null until the ref is resolved")
    checks = CheckSerializer(many=True, read_only=True)
    configuration = serializers.DictField(read_only=True, help_text="The environment's settings when it was asked for")
    whose_move = serializers.ChoiceField(
        choices=Actor.choices,
        read_only=True,
        allow_null=True,
        help_text="Who must act; nobody: Berth goes on alone",
    )
    commit_author = serializers.CharField(read_only=True, help_text="As the commit claims; see `authors`")
    authors = AuthorsSerializer(source="*", read_only=True)
    submitted_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    reviews = ReviewSerializer(many=True, read_only=True)

    class Meta:
        model = Release
        fields = [
            *("id", "number", "app", "organization", "environment", "state", "requested_ref", "notes", "commit_sha"),
            *("commit_title", "commit_author", "digest", "stack_version", "configuration", "checks", "error"),
            "whose_move",
            *("submitted_by", "authors", "reviews", "created_at", "went_live_at"),
        ]

    def get_commit_sha(self, release: Release) -> str | None:
        return release.commit_sha or None

    def get_digest(self, release: Release) -> str | None:
        return release.digest or None


class EarlierDecisionSerializer(serializers.ModelSerializer[Review]):
    """What somebody decided on the same commit before, in any environment of the app."""

    release = serializers.IntegerField(source="release_id", read_only=True)
    release_number = serializers.IntegerField(source="release.number", read_only=True)
    environment = serializers.CharField(source="release.environment.name", read_only=True)
    reviewer = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)

    class Meta:
        model = Review
        fields = ["release", "release_number", "environment", "decision", "reviewer", "comment", "digest", "created_at"]
        read_only_fields = fields


class ReleaseDetailSerializer(ReleaseSerializer):
    """One release, with what was decided on its commit or digest before."""

    earlier_decisions = serializers.SerializerMethodField()

    class Meta(ReleaseSerializer.Meta):
        fields = [*ReleaseSerializer.Meta.fields, "earlier_decisions"]

    @extend_schema_field(EarlierDecisionSerializer(many=True))
    def get_earlier_decisions(self, _release: Release) -> Any:
        return EarlierDecisionSerializer(self.context["earlier"], many=True).data


class ReleaseCreate(StrictSerializer):
    environment = Text(help_text="test or production")
    ref = Text(help_text="A branch, a tag or a commit; refs/heads/x or refs/tags/x if both have the name")
    notes = Text(required=False, default="")


class Decision(StrictSerializer):
    digest = Text(help_text="The digest of the release as you read it")
    comment = Text(required=False, default="")


class Approval(Decision):
    base_release = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=NOT_SAID,
        help_text="The difference's `base_release`: refused if something else is live by now",
    )
    acknowledged = serializers.ListField(
        child=Text(),
        required=False,
        default=list,
        max_length=50_000,
        help_text="The paths, as the difference names them, of changed files that it does not show you whole",
    )


class Rejection(Decision):
    comment = Text(help_text="Why: the developers read it. Not empty.")


class Cancellation(StrictSerializer):
    digest = Text(required=False, help_text="If given, it must be the release's")
    comment = Text(required=False, default="")


class MyOrganization(serializers.ModelSerializer[Membership]):
    slug = serializers.CharField(source="organization.slug")
    name = serializers.CharField(source="organization.name")
    role = serializers.ChoiceField(choices=MemberRole.choices)

    class Meta:
        model = Membership
        fields = ["slug", "name", "role"]


class MeSerializer(serializers.Serializer[Any]):
    username = serializers.CharField()
    email = serializers.CharField()
    roles = serializers.ListField(child=serializers.ChoiceField(choices=PlatformRole.choices))
    organizations = MyOrganization(source="memberships", many=True)
