import json

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Cast, StrIndex
from django.db.models.lookups import GreaterThan

from tenants.apps.choices import EnvironmentName, Stack
from tenants.audit.choices import Actor
from tenants.fields import EncryptedTextField
from tenants.policies.resources import Attribute, Kind, ResourceType, register
from tenants.releases.choices import AuthorsState, Part, ReleaseState
from tenants.releases.models.parts import (
    authors_in_doubt,
    former_members,
    former_membership,
    has_former_member,
    parts_attribute,
)


class Release(models.Model):
    """An immutable request to run one commit in one environment.

    `configuration` is the snapshot of the environment's settings at the time of asking, `variables` the snapshot of its
    config variables (a JSON object, encrypted). `digest` (64 hex digits) covers commit, stack version, settings,
    rendered configuration and variables: a review is bound to it.
    """

    app = models.ForeignKey("PluginApp", on_delete=models.PROTECT, related_name="releases")
    environment = models.ForeignKey("Environment", on_delete=models.PROTECT, related_name="releases")
    number = models.PositiveIntegerField()
    requested_ref = models.CharField(max_length=255)
    notes = models.TextField(blank=True)
    commit_sha = models.CharField(max_length=64, blank=True)
    commit_title = models.CharField(max_length=200, blank=True)
    commit_author = models.CharField(max_length=200, blank=True)
    commit_author_emails = models.JSONField(
        default=list, help_text="Of author and committer, as the commit claims: they count against nobody."
    )
    configuration = models.JSONField(default=dict)
    variables = EncryptedTextField(default="{}")
    secret_variables = models.JSONField(
        null=True, help_text="Names in `variables` that are secrets; null in a release of before it was kept: all are."
    )
    configuration_sha256 = models.CharField(
        max_length=64, blank=True, help_text="Over the configuration as it was rendered when the release was checked."
    )
    stack_version = models.PositiveIntegerField(default=1)
    digest = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=20, choices=ReleaseState, default=ReleaseState.SUBMITTED)
    checks = models.JSONField(default=list, help_text="[{name, state, detail}]")
    error = models.TextField(blank=True)
    error_actor = models.CharField(max_length=20, choices=Actor, blank=True, help_text="Who must act on the error.")
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    authors_state = models.CharField(max_length=10, choices=AuthorsState, default=AuthorsState.PENDING)
    authors_note = models.TextField(
        blank=True, help_text="What is not known of who pushed its commits, and the remedy."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    went_live_at = models.DateTimeField(null=True, blank=True, help_text="The last time it became live.")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["app", "number"], name="release_number_once_per_app"),
            models.UniqueConstraint(
                fields=["environment"], condition=Q(state=ReleaseState.LIVE), name="one_live_release_per_environment"
            ),
            models.CheckConstraint(condition=Q(state__in=ReleaseState.values), name="release_state_known"),
            models.CheckConstraint(
                condition=Q(authors_state__in=AuthorsState.values), name="release_authors_state_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        ReleaseState.SUBMITTED,
                        ReleaseState.CHECKING,
                        ReleaseState.FAILED,
                        ReleaseState.CANCELLED,
                    ]
                )
                | (~Q(digest="") & ~Q(commit_sha="")),
                name="release_beyond_checks_has_commit_and_digest",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "-id"], name="release_by_state"),
            models.Index(fields=["app", "-id"], name="release_by_app"),
        ]

    def __str__(self) -> str:
        return f"{self.app}-{self.environment.name}-r{self.number}"

    @property
    def whose_move(self) -> str | None:
        """Who must act for the release to go on; None if nobody knows of anything left to do."""
        match self.state:
            case ReleaseState.FAILED:
                return self.error_actor or None
            case ReleaseState.AWAITING_REVIEW:
                return Actor.REVIEWER.value
            case ReleaseState.SUBMITTED | ReleaseState.CHECKING | ReleaseState.APPROVED | ReleaseState.DEPLOYING:
                return Actor.NOBODY.value
        return None


class Review(models.Model):
    """One reviewer's decision on one release, bound to the digest that was read."""

    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="reviews")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decision = models.CharField(max_length=10)
    digest = models.CharField(max_length=64)
    comment = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["release"], name="release_decided_once")]

    def __str__(self) -> str:
        return f"{self.decision} of {self.release}"


def _has_author(email: str) -> Q:
    # A JSON list of texts. What stands before an element, and its quotes, make this the match of a whole one: within an
    # element each quote has a backslash before it. Not LIKE, which would not tell upper from lower case on SQLite.
    emails = Cast("commit_author_emails", models.TextField())
    forms = {json.dumps(email, ensure_ascii=is_ascii) for is_ascii in (True, False)}
    places = (StrIndex(emails, models.Value(before + form)) for before in "[ " for form in sorted(forms))
    return Q(*(Q(GreaterThan(place, 0)) for place in places), _connector=Q.OR)


RELEASE = register(
    ResourceType(
        name="release",
        model=Release,
        actions={
            "release.view": "read",
            "release.submit": "deploy",
            "release.cancel": "deploy",
            "release.rollback": "deploy",
            "release.approve": "review",
            "release.reject": "review",
        },
        attributes=(
            Attribute("environment", Kind.TEXT, "environment__name", choices=tuple(EnvironmentName.values)),
            Attribute("state", Kind.TEXT, choices=tuple(ReleaseState.values)),
            Attribute("app", Kind.NUMBER, "app__number"),
            Attribute("stack", Kind.TEXT, "app__stack", choices=tuple(Stack.values)),
            Attribute("organization", Kind.ID, "app__organization"),
            Attribute("organization_slug", Kind.TEXT, "app__organization__slug"),
            Attribute("number", Kind.NUMBER),
            Attribute("requested_ref", Kind.TEXT),
            Attribute("submitted_by", Kind.ID),
            Attribute(
                "commit_author_emails",
                Kind.TEXT_SET,
                is_lower_case=True,
                matches=_has_author,
                read=lambda release: frozenset(release.commit_author_emails),
            ),
            Attribute("authors_state", Kind.TEXT, choices=tuple(AuthorsState.values), reason=authors_in_doubt),
            parts_attribute("submitters", Part.SUBMITTED),
            parts_attribute("pushers", Part.PUSHED, Part.MAY_HAVE_PUSHED),
            parts_attribute("variable_editors", Part.SET_VARIABLE),
            Attribute(
                "former_members",
                Kind.ID_SET,
                matches=has_former_member,
                read=former_members,
                reason=former_membership,
            ),
            Attribute("created_at", Kind.TIME),
            Attribute("went_live_at", Kind.TIME, is_nullable=True),
        ),
        organization="app__organization",
        app="app",
        own_grants={"release.view": "view_release"},
        creates={
            "release.submit": ("environment", lambda environment: Release(app=environment.app, environment=environment))
        },
        app_grants={
            "release.view": "view_pluginapp",
            "release.submit": "submit_release",
            "release.cancel": "submit_release",
            "release.rollback": "submit_release",
        },
    )
)
