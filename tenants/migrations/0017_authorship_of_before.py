"""What the rows and the trail still tell of who had a hand in what."""

from collections import defaultdict

from django.db import migrations
from django.utils import timezone

OPEN = ("submitted", "checking", "awaiting_review")
OLDER = (
    "the release is older than the record of pushes: cancel it and ask for it again, and Berth looks up who pushed what"
)
JOINED = ("organization.created", "invitation.accepted", "membership.added", "membership.changed",
          "service_account.created")
LEFT = ("membership.removed", "service_account.removed")
BATCH = 500


def fill(apps, schema_editor):
    fill_periods(apps)
    fill_keepers(apps)
    fill_releases(apps)
    fill_variables(apps)


def fill_periods(apps):
    """The trail tells of those who left; the rows of those who are there, whatever the trail lacks."""
    Period = apps.get_model("tenants", "MembershipPeriod")
    users = dict(apps.get_model("tenants", "User").objects.values_list("username", "pk"))
    running, periods = {}, []

    def end(key, at, is_end):
        if key in running:
            role, since = running.pop(key)
            add(key, role, since, at, is_end)

    def add(key, role, since, until, is_end):
        periods.append(Period(organization_id=key[0], user_id=key[1], role=role, since=min(since, until or since),
                              until=until, is_end=is_end))

    events = apps.get_model("tenants", "AuditEvent").objects.filter(action__in=JOINED + LEFT).order_by("pk")
    founded = dict(apps.get_model("tenants", "Organization").objects.values_list("pk", "created_at"))
    for event in events.iterator():
        data = {**(event.after or {}), **(event.data or {})}
        user = users.get(data.get("username") or data.get("owner")) or event.actor_id
        key = (event.organization_id, user)
        if None in key:
            continue
        if event.action in LEFT:
            # Of a membership of which the trail has no beginning nobody knows more than that it ended.
            running.setdefault(key, ("developer", founded[key[0]]))
            end(key, event.created_at, True)
        else:
            end(key, event.created_at, False)
            role = data.get("role")
            role = role if role in ("owner", "maintainer", "developer") else "owner"
            running[key] = (role, event.created_at)
    members = {
        (row.organization_id, row.user_id): row for row in apps.get_model("tenants", "Membership").objects.all()
    }
    for key in set(running) - set(members):
        # Gone without a trace: taken for somebody who left just now.
        end(key, timezone.now(), True)
    for key, row in sorted(members.items()):
        since = running.get(key, (None, row.created_at))[1]
        add(key, row.role, since, None, False)
    Period.objects.bulk_create(periods, batch_size=BATCH)


def fill_keepers(apps):
    """Who made a service account or one of its tokens, if they are still there to answer for it."""
    User, Token = apps.get_model("tenants", "User"), apps.get_model("tenants", "ApiToken")
    members = set(apps.get_model("tenants", "Membership").objects.values_list("organization", "user"))
    accounts = {row.pk: row for row in User.objects.exclude(service_organization=None)}
    made = defaultdict(set)
    for event in apps.get_model("tenants", "AuditEvent").objects.filter(action="service_account.created"):
        for row in accounts.values():
            if row.username == (event.data or {}).get("username") and event.actor_id:
                made[row.pk].add((event.actor_id, event.created_at))
    for token in Token.objects.filter(user__in=list(accounts)).exclude(created_by=None):
        if token.created_by_id not in accounts:
            made[token.user_id].add((token.created_by_id, token.created_at))
            Token.objects.filter(pk=token.pk).update(keeper=token.created_by_id)
    Keeper = apps.get_model("tenants", "ServiceAccountKeeper")
    now = timezone.now()
    for account, people in made.items():
        for person in sorted({person for person, _ in people}):
            since = min(at for who, at in people if who == person)
            is_there = (accounts[account].service_organization_id, person) in members
            Keeper.objects.create(account_id=account, person_id=person, since=since, until=None if is_there else now)
            if not is_there:
                # Who left had a token that went on working.
                Token.objects.filter(user=account, keeper=person, revoked_at=None).update(revoked_at=now)


def fill_releases(apps):
    """Undecided releases are looked up by the platform; of decided ones nobody knows any more who pushed them."""
    Release = apps.get_model("tenants", "Release")
    Contributor = apps.get_model("tenants", "ReleaseContributor")
    Release.objects.exclude(state__in=OPEN).update(authors_state="unknown", authors_note=OLDER)
    keepers = defaultdict(set)
    for account, person in apps.get_model("tenants", "ServiceAccountKeeper").objects.values_list("account", "person"):
        keepers[account].add(person)
    rows = []

    def add(release, part, through):
        for user in {through, *keepers[through]}:
            rows.append(Contributor(release_id=release, user_id=user, part=part, through_id=through))

    for release, submitter in Release.objects.values_list("pk", "submitted_by").iterator():
        add(release, "submitted", submitter)
    for release, editor in Release.variable_editors.through.objects.values_list("release", "user"):
        add(release, "set_variable", editor)
    Contributor.objects.bulk_create(rows, batch_size=BATCH)
    Environment = apps.get_model("tenants", "Environment")
    for review in apps.get_model("tenants", "Review").objects.filter(decision="approve").order_by("created_at", "pk"):
        asked_at = review.release.created_at
        Environment.objects.filter(pk=review.release.environment_id).update(approved_as_of=asked_at)


def fill_variables(apps):
    Edit = apps.get_model("tenants", "VariableEdit")
    rows = apps.get_model("tenants", "ConfigVariable").objects.all()
    Edit.objects.bulk_create(
        [
            Edit(environment_id=row.environment_id, name=row.name, user_id=row.updated_by_id, made_at=row.updated_at)
            for row in rows
        ],
        batch_size=BATCH,
    )


def put_back(apps, schema_editor):
    """What the rows of before held: who set a variable of a release. The rest goes with its tables."""
    editors = apps.get_model("tenants", "Release").variable_editors.through
    contributors = apps.get_model("tenants", "ReleaseContributor").objects.filter(part="set_variable")
    known = set(editors.objects.values_list("release", "user"))
    wanted = set(contributors.values_list("release", "user")) - known
    editors.objects.bulk_create(
        [editors(release_id=release, user_id=user) for release, user in sorted(wanted)], batch_size=BATCH
    )


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0016_authorship'),
    ]

    operations = [
        migrations.RunPython(fill, put_back),
    ]
