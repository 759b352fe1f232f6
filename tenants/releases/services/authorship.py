"""People and their parts in releases, for the policies of four eyes. Nothing here is ever taken back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from tenants.apps.models.environment import Environment
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.organizations.models.organization import Membership, Organization
from tenants.people.models.user import User
from tenants.releases.choices import AuthorsState, Part, ReleaseState
from tenants.releases.models.authorship import MembershipPeriod, ReleaseContributor, ServiceAccountKeeper, VariableEdit
from tenants.releases.models.release import Release

# Until somebody has decided, who pushed what may come to be known better.
UNDECIDED = (ReleaseState.SUBMITTED, ReleaseState.CHECKING, ReleaseState.AWAITING_REVIEW)


# (who answers, who did it): the same account, or a person and the service account that they keep.
Answerable = tuple[int, int]


@dataclass(frozen=True)
class Pushers:
    """How many of a release's commits each account pushed, or may have pushed.

    `in_doubt` says what is not known, why, and what to do about it; empty if each commit's pusher is known.
    """

    pushed: Mapping[Answerable, int] = field(default_factory=dict)
    may_have_pushed: Mapping[Answerable, int] = field(default_factory=dict)
    in_doubt: str = ""


@unit_of_work
def release_pushers_record(*, release: Release, pushers: Pushers) -> None:
    """Adds the accounts that pushed the release's commits: they may not decide on it. Nobody is taken away.

    Without effect on a release that is decided. The same again leaves no trace.
    """
    release.refresh_from_db()
    if release.state not in UNDECIDED:
        return
    state = AuthorsState.UNKNOWN if pushers.in_doubt else AuthorsState.KNOWN
    is_told_already = (release.authors_state, release.authors_note) == (state, pushers.in_doubt)
    added = contributors_add(release, Part.PUSHED, pushers.pushed)
    added += contributors_add(release, Part.MAY_HAVE_PUSHED, pushers.may_have_pushed)
    if is_told_already and not added:
        return
    Release.objects.filter(pk=release.pk).update(authors_state=state, authors_note=pushers.in_doubt)
    release.refresh_from_db()
    names = dict(
        User.objects.filter(
            pk__in={pk for pair in (*pushers.pushed, *pushers.may_have_pushed) for pk in pair}
        ).values_list("pk", "username")
    )
    audit_record(
        action="release.pushers_recorded",
        message=f"who pushed the commits of release {release.number} is {state}",
        release=release,
        data={
            "pushed": _named(pushers.pushed, names),
            "may_have_pushed": _named(pushers.may_have_pushed, names),
            "in_doubt": pushers.in_doubt,
        },
    )


def _named(commits: Mapping[Answerable, int], names: Mapping[int, str]) -> list[dict[str, object]]:
    return [
        {"username": names[user], "through": names[through], "commits": count}
        for (user, through), count in sorted(commits.items())
    ]


def contributors_add(release: Release, part: Part, commits: Mapping[Answerable, int]) -> int:
    """Gives the number of rows that are new or count another number of commits. Not yet audited."""
    changed = 0
    for (user_id, through_id), count in commits.items():
        row, is_new = ReleaseContributor.objects.get_or_create(
            release=release, user_id=user_id, part=part, through_id=through_id, defaults={"commits": count}
        )
        if not is_new and row.commits != count:
            row.commits = count
            row.save(update_fields=["commits"])
            is_new = True
        changed += is_new
    return changed


def answerable_for(deeds: Iterable[tuple[int, datetime]]) -> list[set[Answerable]]:
    """For each deed (an account, and when it did it): itself, and of a service account who kept it at that time."""
    listed = list(deeds)
    keepers: dict[int, list[ServiceAccountKeeper]] = {}
    for row in ServiceAccountKeeper.objects.filter(account__in={account for account, _ in listed}):
        keepers.setdefault(row.account_id, []).append(row)
    return [
        {(account, account)}
        | {
            (row.person_id, account)
            for row in keepers.get(account, ())
            if row.since <= at and (row.until is None or at <= row.until)
        }
        for account, at in listed
    ]


def variable_setters(environment: Environment) -> dict[Answerable, int]:
    """Accounts that set or removed a variable since the last approved release was asked for, or set one of now.

    If two set a variable one after the other, both count: the value may be of the first.
    """
    edits = VariableEdit.objects.filter(environment=environment)
    if environment.approved_as_of is not None:
        edits = edits.filter(made_at__gte=environment.approved_as_of)
    deeds = {*edits.values_list("user", "made_at"), *environment.variables.values_list("updated_by", "updated_at")}
    return {pair: 0 for pairs in answerable_for(deeds) for pair in pairs}


def keeper_add(*, account: User, person: User) -> None:
    """Not yet audited."""
    if not person.is_service_account:
        ServiceAccountKeeper.objects.get_or_create(
            account=account, person=person, until=None, defaults={"since": timezone.now()}
        )


def period_begin(membership: Membership) -> None:
    MembershipPeriod.objects.create(
        organization_id=membership.organization_id,
        user_id=membership.user_id,
        role=membership.role,
        since=timezone.now(),
    )


def period_end(*, organization: Organization, user: User, is_end: bool) -> None:
    """The period that lasts ends now: with the membership (`is_end`), or with the role alone."""
    MembershipPeriod.objects.filter(organization=organization, user=user, until=None).update(
        until=timezone.now(), is_end=is_end
    )


def authors_outdate(*, environment: Environment) -> list[int]:
    """Another release has become live: the pushers between it and each waiting release must be looked up again.

    Gives the releases. Not yet audited.
    """
    waiting = Release.objects.filter(
        environment=environment, state__in=(ReleaseState.CHECKING, ReleaseState.AWAITING_REVIEW)
    )
    found = list(waiting.values_list("pk", flat=True))
    waiting.update(authors_state=AuthorsState.PENDING)
    return found
