"""The kinds of checks that the doctor has. Each check belongs to one, and a test holds that no check has none."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """`name` begins the name of each check of the kind; `of` says what follows if there are several."""

    room: str
    name: str
    asks: str
    acts: str
    of: str = ""

    @property
    def shown(self) -> str:
        return f"{self.name} {self.of}".strip()


KINDS = (
    Kind("machine", "disk", "how much space is free below the home", "warns below 10 % or 2 GiB, fails below 1 %"),
    Kind("machine", "secrets", "the mode of the file with the secrets", "fails if others can read it"),
    Kind("machine", "clock", "its distance from the forge's clock", "warns above 5 s, fails above 25 s"),
    Kind("parts", "database", "a query", "fails if the database does not answer"),
    Kind("parts", "migrations", "the migrations that are applied", "fails if one is missing"),
    Kind("parts", "broker", "a ping", "fails if the broker does not answer: all work waits for it"),
    Kind("parts", "workers", "a ping of all Celery workers", "fails if none answers"),
    Kind("parts", "web", "`/api/v1/health/` at `BERTH_WEB_URL`, to which the forge sends webhooks", "fails unless 200"),
    Kind("parts", "forge", "its version, with Berth's token", "fails if it does not answer or refuses the token"),
    Kind("parts", "edge", "its health page", "fails if nginx does not answer"),
    Kind("parts", "engine of", "the Docker Engine and the images that it must have", "fails if one is missing", "HOST"),
    Kind("parts", "hosts", "the hosts that are enabled", "fails if there is none"),
    Kind("repairs", "repairs", "repairs that the reconciler could not make", "fails while one waits for a person"),
    Kind(
        "names",
        "DNS account",
        "the account's settings at its provider, and the zones it holds",
        "warns if the account is switched off and hosts a zone; fails if settings or a zone are wrong",
        "NAME",
    ),
    Kind("names", "DNS accounts", "the accounts at DNS providers", "warns if there is none"),
    Kind(
        "names",
        "zone",
        "each name server of the zone, found through the delegation",
        "fails if one gives no answer or names point nowhere; warns if the last comparison failed",
        "NAME",
    ),
    Kind("names", "outside names", "whether lookups are on", "warns if customers' domains wait and lookups are off"),
    Kind(
        "domains",
        "domain",
        "the Public Suffix List, and the names of the portal",
        "warns if apps and portal share a registrable domain",
        "NAME",
    ),
    Kind(
        "certificates",
        "certificate",
        "the certificate that the edge serves for the name",
        "fails if it has ended, was refused, or a zone has none; warns before it ends",
        "NAME",
    ),
    Kind("limits", "limits", "organizations near a quota", "warns from nine tenths on"),
)


def kind_of(check: str) -> Kind | None:
    """The kind of the check with this name; the longest name that fits."""
    fitting = [kind for kind in KINDS if (check.startswith(f"{kind.name} ") if kind.of else check == kind.name)]
    return max(fitting, key=lambda kind: len(kind.name), default=None)
