"""One event for every write by any service: held by reading the source. What tests do is watched by `audit_guard`."""

import ast
import textwrap
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from paas.settings.env import ROOT
from tests.written_rows import Function, functions_of, many_to_many, module_name, silent_services

# What services are made of: public, called by services alone, and told of by these.
PARTS = {
    "tenants.names.services.domains.prove": "makes a domain served; whoever calls it tells how it was proven",
    "tenants.releases.services.transitions.transition": "changes a state; whoever calls it tells why",
    "tenants.releases.services.releases.move": "changes a state; whoever calls it tells why",
    "tenants.people.services.memberships.membership_make": "the row of a membership; its caller tells how it came",
    "tenants.people.services.memberships.end_membership": "the end of a membership; its caller tells how it came about",
    "tenants.releases.services.authorship.contributors_add": "a part in a release; its caller tells of the release",
    "tenants.releases.services.authorship.keeper_add": "the maker of an account or token; its caller tells of that",
    "tenants.releases.services.authorship.period_begin": "the time of a membership; its caller tells of the membership",
    "tenants.releases.services.authorship.period_end": "the time of a membership; its caller tells of the membership",
    "tenants.releases.services.authorship.authors_outdate": "another release is live, which whoever calls it tells",
    "tenants.people.services.token_ends.tokens_end": "part of ending an account; the account's event tells it",
}
# Services that write and record nothing, and why.
SILENT_SERVICES = {
    "tenants.policies.services.built_in.built_in_policies_install": "the beginning of an installation",
    "provisioning.repositories.services.pushes.pushes_read": "when the forge was asked last; its news have events",
    "tenants.names.services.domain_checks.domain_checked": "what a look has shown; what follows from it has its event",
    "tenants.names.services.domain_checks.domain_noted": "what a look has shown where nothing follows from it",
    "tenants.names.services.domain_checks.domains_take": "which worker looks at a domain now",
    "tenants.rest.services.idempotency_keys_forget": "answers kept for repeated requests; no row of a tenant's",
    "tenants.people.services.sign_in.password_check": "how often a wrong password came: django-axes counts",
    "tenants.people.services.sign_in.sign_in_attempts_forget": "how often a wrong password came: django-axes counts",
}
# Writes outside of services, by module and function, and why they are there.
ELSEWHERE = {
    "tenants.rest.idempotency.*": "the answer that was given, kept so that it can be given again",
    "tenants.access.in_force._renew": "a stamp that has processes read again what an event tells of",
    "tenants.policies.models.policy.AccessPolicy.save": "checks a policy before any way of saving it",
    "tenants.names.models.zone.Zone.save": "checks a zone's condition before any way of saving it; writes nothing more",
    "paas.api.authentication.*": "when a token was last used: once for many requests, and no change of anything",
    "paas.api.health.*": "asks the database whether it answers; writes nothing",
    "tenants.access.prepared_queries.*": "reads; writes nothing",
    "tenants.access.querying.*": "counts rows; writes nothing",
    "provisioning.dns.account_calls.*": "how many calls an account has left",
    "provisioning.dns.record_rows.*": "which records are wanted; who wants them has an event",
    "provisioning.inventory.leases.*": "what a workflow takes from a range; its operation has an event",
    "provisioning.forge.client.*": "the forge's own objects, not rows of Berth's",
    "provisioning.repositories.deliveries.*": "which messages of the forge were taken already",
    **dict.fromkeys(
        (
            "provisioning.*.workflow.*",
            "provisioning.operations.*",
            "provisioning.reconcile.*",
            "provisioning.containers.instances.*",
        ),
        "a workflow's notes on its own work; what comes of it is told by services",
    ),
}
# Another product's house: it stands in for GitLab and keeps rows of its own.
FOREIGN = ("provisioning/embedded_forge/", "/migrations/")


# The three that write events down.
WRITERS = ("tenants/audit/services/",)
PRODUCT = ("tenants", "provisioning", "paas")


def is_service(path: Path) -> bool:
    """Services stand in `services.py`, or in a folder of that name."""
    return "services" in path.relative_to(ROOT).with_suffix("").parts


def functions(*, of_services: bool | None = None) -> dict[str, Function]:
    """Functions of the product by their paths: all, those of services, or all others."""
    sets = many_to_many()
    found = {}
    for path in sorted(path for package in PRODUCT for path in (ROOT / package).rglob("*.py")):
        if any(part in str(path.relative_to(ROOT)) for part in FOREIGN):
            continue
        if of_services is None or is_service(path) is of_services:
            for function in functions_of(path.read_text(), module_name(path, ROOT), sets=sets):
                found[function.path] = function
    return found


def services() -> dict[str, Function]:
    writers = tuple(module_name(ROOT / folder, ROOT) for folder in WRITERS)
    return {path: function for path, function in functions(of_services=True).items() if not path.startswith(writers)}


def test_every_service_that_writes_is_a_unit_and_records_an_event() -> None:
    told = {path: function for path, function in services().items() if path not in SILENT_SERVICES}
    assert silent_services(told, set(PARTS)) == []


def test_parts_of_services_are_called_by_services_alone() -> None:
    everything = functions()
    callers = {function.path for function in everything.values() if function.calls & PARTS.keys()}
    assert [path for path in callers if "services" not in path.split(".")] == []


def test_nothing_but_services_writes() -> None:
    everything = functions(of_services=False)
    writes = [write for function in everything.values() for write in function.writes]
    allowed = [write for write in writes if any(fnmatchcase(f"{write.module}.{write.function}", p) for p in ELSEWHERE)]
    assert [str(write) for write in writes if write not in allowed] == []


def test_no_exemption_is_out_of_date() -> None:
    silent = " ".join(silent_services(services(), set()))
    assert [path for path in [*PARTS, *SILENT_SERVICES] if f"{path} writes" not in silent] == []
    everything = functions(of_services=False)
    paths = [f"{write.module}.{write.function}" for function in everything.values() for write in function.writes]
    assert [pattern for pattern in ELSEWHERE if not any(fnmatchcase(path, pattern) for path in paths)] == []


TOYS = {
    "silent": (
        """
        @unit_of_work
        def toy_create(*, actor):
            Toy.objects.create(owner=actor)
        """,
        [
            "services.toys.toy_create writes, and records no event: "
            "services.toys.toy_create (line 4): Toy.objects.create"
        ],
    ),
    "silent through another": (
        """
        @unit_of_work
        def toy_break(*, toy, actor):
            _break(toy)

        def _break(toy):
            toy.parts.all().delete()
        """,
        ["services.toys.toy_break writes, and records no event: services.toys._break (line 7): toy.parts.all().delete"],
    ),
    "outside of a unit": (
        """
        def toy_create(*, actor):
            Toy.objects.create(owner=actor)
            audit_record(action="toy.created", message="a toy", actor=actor)
        """,
        [
            "services.toys.toy_create writes outside of a unit of work: "
            "services.toys.toy_create (line 3): Toy.objects.create"
        ],
    ),
    "told": (
        """
        @unit_of_work
        def toy_create(*, actor):
            toy = Toy(owner=actor)
            toy.save()
            _tell(actor)

        def _tell(actor):
            audit_record(action="toy.created", message="a toy", actor=actor)

        def toy_named(*, name):
            names = {}
            names.update({"name": name})
            return Toy.objects.get(**names)
        """,
        [],
    ),
    "a part of the body is a unit": (
        """
        def toy_fetch(*, actor):
            toy = shop.buy()
            with unit_of_work():
                Toy.objects.get_or_create(toy=toy)
                audit_record(action="toy.created", message="a toy", actor=actor)
        """,
        [],
    ),
}


@pytest.mark.parametrize("toy", TOYS)
def test_the_reading_finds_services_that_keep_silent(toy: str) -> None:
    source, faults = TOYS[toy]
    found = {
        function.path: function
        for function in functions_of(textwrap.dedent(source), "services.toys", sets=frozenset({"parts"}))
    }
    assert silent_services(found, set()) == faults


@pytest.mark.parametrize(
    ("statement", "is_write"),
    [
        ("row.save(update_fields=['name'])", True),
        ("Toy.objects.filter(pk=1).update(name='x')", True),
        ("Toy.objects.bulk_create(toys)", True),
        ("row.delete()", True),
        ("toy.parts.set([1])", True),
        ("toy.parts.clear()", True),
        ("connection.cursor()", True),
        ("digest.update(b'x')", False),
        ("names.update(other)", False),
        ("seen.add(1)", False),
        ("client.delete(path)", False),
        ("engine.create(image)", False),
    ],
)
def test_the_reading_knows_what_writes(statement: str, is_write: bool) -> None:
    function = next(functions_of(f"def act():\n    {statement}\n", "m", sets=frozenset({"parts"})))
    assert bool(function.writes) is is_write


def test_row_locks_leave_keys_free() -> None:
    """Who holds a chain's head inserts rows that refer to others: a lock on their keys would be a deadlock."""
    for path in (path for package in ("tenants", "provisioning") for path in (ROOT / package).rglob("*.py")):
        if not is_service(path):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "select_for_update":
                assert "no_key" in {keyword.arg for keyword in node.keywords}, f"{path}:{node.lineno}"
