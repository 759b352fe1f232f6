"""`manage.py dns plan|apply|adopt`: what name servers hold, against what they should."""

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from provisioning.dns.change_plan import Plan
from provisioning.dns.models import HostedZone
from provisioning.dns.selectors.zones import zone_plan
from provisioning.dns.services.plans import record_adopt, zone_apply
from provisioning.dns.workflow.sync import sync
from provisioning.exceptions import ProvisioningError
from tenants.exceptions import TenantsError


class Command(BaseCommand):
    help = "Plans what would lead zones to what they should hold, applies such a plan, or takes one record over."

    def add_arguments(self, parser: CommandParser) -> None:
        actions: Any = parser.add_subparsers(dest="do", required=True)
        plan: ArgumentParser = actions.add_parser("plan", help="Shows what would change. Writes nothing.")
        plan.add_argument("zone", nargs="?", help="All zones, if left out.")
        apply: ArgumentParser = actions.add_parser("apply", help="Writes it.")
        apply.add_argument("zone", nargs="?", help="All zones, if left out.")
        apply.add_argument("--plan", help="The digest of the plan that was looked at: refused, if it is another now.")
        apply.add_argument("--override", default="", metavar="WHY", help="Why so much of a zone may change.")
        adopt: ArgumentParser = actions.add_parser("adopt", help="Makes a record Berth's own that it did not make.")
        adopt.add_argument("zone")
        adopt.add_argument("name")
        adopt.add_argument("type")
        adopt.add_argument("--reason", required=True)
        adopt.add_argument(
            "--previous-owner", default="", metavar="TEXT", help="Its owner record's text, if it has one."
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        failed = []
        for hosted in _hosted_zones(options["zone"]):
            try:
                match options["do"]:
                    case "plan":
                        self._show(hosted, zone_plan(hosted))
                    case "apply":
                        self._apply(hosted, options["plan"], options["override"])
                    case "adopt":
                        self._adopt(hosted, options)
            except (ProvisioningError, TenantsError) as error:
                # The others have their turn.
                failed.append(f"zone {hosted.zone.name}: {error}")
        if failed:
            raise CommandError("\n".join(failed))

    def _show(self, hosted: HostedZone, plan: Plan) -> None:
        self.stdout.write(f"zone {hosted.zone.name} at {hosted.account.name}: {plan.summary}")
        for sign, item in plan.signed:
            self.stdout.write(f"  {sign} {item}")
        if plan.needs_override:
            self.stdout.write(f"  {plan.share:.0%} of its records would change or be deleted: --override WHY is needed")
        if plan.items:
            self.stdout.write(f"  plan {plan.digest}")

    def _apply(self, hosted: HostedZone, digest: str | None, override: str) -> None:
        plan = zone_plan(hosted)
        self._show(hosted, plan)
        if plan.items or digest:
            zone_apply(zone=hosted.zone, digest=digest or plan.digest, override=override, actor=None)
            self._write(hosted)

    def _adopt(self, hosted: HostedZone, options: dict[str, Any]) -> None:
        record = record_adopt(
            zone=hosted.zone,
            name=options["name"],
            type_=options["type"],
            reason=options["reason"],
            previous_owner=options["previous_owner"],
            actor=None,
        )
        self.stdout.write(f"{record.name} {record.type} is Berth's own now")
        self._write(hosted)

    def _write(self, hosted: HostedZone) -> None:
        done = sync(hosted.pk)
        self.stdout.write("  written" if done else "  another worker is writing it")
        for row in hosted.records.exclude(error="").order_by("name", "type"):
            self.stdout.write(f"  not written: {row.name} {row.type}: {row.error}")


def _hosted_zones(name: str | None) -> Iterator[HostedZone]:
    rows = HostedZone.objects.select_related("zone", "account").order_by("zone__name")
    if name is not None:
        rows = rows.filter(zone__name=name.removesuffix(".").lower())
        if not rows.exists():
            raise CommandError(f"zone {name} is not hosted: there are {_listed()}")
    yield from rows


def _listed() -> str:
    return ", ".join(HostedZone.objects.order_by("zone__name").values_list("zone__name", flat=True)) or "none"
