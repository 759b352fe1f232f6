"""Releases, as clients send and get them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tenants.apps.choices import EnvironmentName
from tenants.audit.choices import Actor
from tenants.releases.choices import AuthorsState, Part, ReleaseState
from tenants.releases.models.authorship import ReleaseContributor
from tenants.releases.models.release import Release
from tenants.rest.fields import StrictSerializer, Text
from tenants.reviews.api.serializers import EarlierDecisionSerializer, ReviewSerializer


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


class Cancellation(StrictSerializer):
    digest = Text(required=False, help_text="If given, it must be the release's")
    comment = Text(required=False, default="")
