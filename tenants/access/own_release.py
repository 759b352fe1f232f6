"""Four eyes: who wrote, submitted or configured a release, or belongs to its organization, can't decide on it."""

import json

from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast

from tenants.models import Membership, Release, User


def without_own(queryset: QuerySet[Release], *, user: User) -> QuerySet[Release]:
    """The releases that `user` may decide on, as far as these rules go."""
    member = Membership.objects.filter(organization=OuterRef("app__organization"), user=user)
    edited = Release.variable_editors.through.objects.filter(release=OuterRef("pk"), user=user)
    queryset = queryset.exclude(submitted_by=user).exclude(Exists(member)).exclude(Exists(edited))
    if user.email:
        # The e-mails are kept in lower case as a JSON list; the quotes make this the match of a whole element.
        email = user.email.lower()
        queryset = queryset.alias(emails=Cast("commit_author_emails", TextField())).exclude(
            Q(emails__contains=json.dumps(email)) | Q(emails__contains=json.dumps(email, ensure_ascii=False))
        )
    return queryset


def reason_it_is_own(release: Release, *, user: User) -> str:
    """Why `user` can't decide on `release`; empty if nothing of this kind is in the way."""
    if release.submitted_by_id == user.pk:
        return "you submitted this release: somebody else must decide on it"
    if user.email and user.email.lower() in (email.lower() for email in release.commit_author_emails):
        return "the commit's author or committer has your e-mail address: somebody else must decide on it"
    if release.variable_editors.filter(pk=user.pk).exists():
        return "you were the last to change one of the release's variables: somebody else must decide on it"
    if Membership.objects.filter(organization=release.app.organization_id, user=user).exists():
        return "you belong to the organization of this release: a reviewer from outside must decide on it"
    return ""
