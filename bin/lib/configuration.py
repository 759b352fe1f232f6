"""The settings of one installation as the commands see them: from the environment, else from what it was set up with.

`settings.env` in the home holds what the user chose and, below a line of its own, what follows from that, so that
`manage.py` run by hand finds the same settings. Secrets stand in `secrets.env` (mode 0600) and nowhere else.
"""

import base64
import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from lib.console import Failure
from lib.files import replace
from lib.settings_table import SETTINGS, Setting

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_HOME = ROOT / "var"
PYTHON = ROOT / ".venv" / "bin" / "python"
# nginx, sshd and dockerd stand in directories that are not on every user's PATH.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
DERIVED_LINE = "# What follows from the above; written anew at each start."
SECRET_NAMES = {setting.name for setting in SETTINGS.values() if setting.is_secret}
# Where the installation is, and what only a test run looks at: not settings of the installation.
NOT_KEPT = {setting.name for setting in SETTINGS.values() if not setting.is_kept}
# The defaults that every installation notes beside what its user chose.
NOTED = [
    "BERTH_INSTALLATION",
    "BERTH_WEB_ADDRESS",
    "BERTH_EDGE_ADDRESS",
    "BERTH_APPS_DOMAIN",
    "BERTH_DNS_ADDRESS",
    "BERTH_EMBEDDED_DNS",
    "BERTH_DOCKER_URL",
]
# A path to a unix socket has at most 107 bytes, and supervisord adds its pid while it makes one.
LONGEST_SOCKET = 107 - len(".4194304")


@dataclass(frozen=True)
class Configuration:
    """One installation. `chosen` is what the user set, `derived` what follows; neither holds a secret."""

    home: Path
    run: Path
    chosen: dict[str, str]
    derived: dict[str, str]
    given_secrets: dict[str, str]

    @property
    def settings(self) -> dict[str, str]:
        return self.derived | self.chosen

    @property
    def name(self) -> str:
        return self.settings["BERTH_INSTALLATION"]

    @property
    def web_address(self) -> str:
        return self.settings["BERTH_WEB_ADDRESS"]

    @property
    def web_port(self) -> int:
        return int(self.settings["BERTH_WEB_PORT"])

    @property
    def edge_port(self) -> int:
        return int(self.settings["BERTH_EDGE_PORT"])

    @property
    def edge_tls_port(self) -> int:
        """0 where the edge has no TLS."""
        return int(self.settings["BERTH_EDGE_TLS_PORT"])

    @property
    def edge_address(self) -> str:
        return self.settings["BERTH_EDGE_ADDRESS"]

    @property
    def web_url(self) -> str:
        return self.settings["BERTH_WEB_URL"]

    @property
    def docker_url(self) -> str:
        return self.settings["BERTH_DOCKER_URL"]

    @property
    def has_embedded_forge(self) -> bool:
        return self.settings["BERTH_EMBEDDED_FORGE"].lower() in {"true", "1"}

    @property
    def has_embedded_dns(self) -> bool:
        return self.settings["BERTH_EMBEDDED_DNS"].lower() in {"true", "1"}

    @property
    def dns_address(self) -> str:
        return self.settings["BERTH_DNS_ADDRESS"]

    @property
    def dns_port(self) -> int:
        return int(self.settings["BERTH_DNS_LISTEN_PORT"])

    @property
    def dns_api_port(self) -> int:
        return int(self.settings["BERTH_DNS_API_PORT"])

    @property
    def apps_domain(self) -> str:
        return self.settings["BERTH_APPS_DOMAIN"]

    @property
    def logs(self) -> Path:
        return self.home / "log"

    @property
    def secrets_file(self) -> Path:
        return Path(self.settings.get("BERTH_SECRETS_FILE", self.home / "secrets.env"))

    def environment(self) -> dict[str, str]:
        """The environment of everything that runs for this installation: the caller's, the settings, no secret."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in SECRET_NAMES | NOT_KEPT | {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
            and not name.startswith(("BERTH_", "FORGE_"))
        }
        return (
            kept
            | self.settings
            | {
                "BERTH_HOME": str(self.home),
                "PATH": SEARCH_PATH,
                "DOCKER_HOST": self.docker_url,
                "DJANGO_SETTINGS_MODULE": "paas.settings.embedded",
                "PYTHONUNBUFFERED": "1",
                "PYTHONDONTWRITEBYTECODE": "1",
                # Threads would otherwise keep an arena of 64 MiB each.
                "MALLOC_ARENA_MAX": "2",
            }
        )


def home_from_environment() -> Path:
    """`BERTH_HOME`, else `var/` beside `bin/`. Refuses a path that configuration files could not carry."""
    home = Path(os.environ.get("BERTH_HOME") or DEFAULT_HOME).expanduser().resolve()
    if not re.fullmatch(r"(/[A-Za-z0-9._+@-]+)+", str(home)):
        raise Failure(
            f"BERTH_HOME is {str(home)!r}: choose a path of letters, digits and . _ + @ - alone, since "
            "it stands in the configuration files of nginx, Redis and the containers"
        )
    return home


def load(home: Path | None = None) -> Configuration:
    """The installation that the environment names. Reads, and writes nothing. Raises `Failure` for a bad value."""
    home = home or home_from_environment()
    run = _run_directory(home)
    given = {name: value for name, value in os.environ.items() if name.startswith(("BERTH_", "FORGE_"))}
    chosen = _stored(home / "settings.env") | {
        name: value for name, value in given.items() if name not in SECRET_NAMES | NOT_KEPT
    }
    if "BERTH_DOCKER_URL" not in chosen and os.environ.get("DOCKER_HOST"):
        chosen["BERTH_DOCKER_URL"] = os.environ["DOCKER_HOST"]
    for name, value in chosen.items():
        if not value.isprintable():
            raise Failure(f"{name} holds a line break or a control character: give it in one line")
    ports = {setting.name: _port(chosen, setting) for setting in SETTINGS.values() if setting.is_port}
    _refuse_doubles(ports)
    web_port = ports["BERTH_WEB_PORT"]
    defaults = {name: SETTINGS[name].default or "" for name in NOTED}
    web_url = f"http://{reachable((defaults | chosen)['BERTH_WEB_ADDRESS'])}:{web_port}"
    derived = {
        **defaults,
        **{name: str(port) for name, port in ports.items()},
        "BERTH_WEB_URL": web_url,
        "BERTH_BROKER_URL": f"redis+socket://{run}/redis.sock",
        "BERTH_EMBEDDED_FORGE": "false" if "FORGE_URL" in chosen else "true",
        "FORGE_URL": f"{web_url}/forge",
    }
    if _points_nowhere(derived | chosen):
        derived["BERTH_EDGE_PUBLIC_ADDRESSES"] = reachable((derived | chosen)["BERTH_EDGE_ADDRESS"]).strip("[]")
    configuration = Configuration(
        home=home,
        run=run,
        chosen=chosen,
        derived={name: value for name, value in derived.items() if name not in chosen},
        given_secrets={name: value for name, value in given.items() if name in SECRET_NAMES},
    )
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,29}", configuration.name):
        raise Failure(
            f"BERTH_INSTALLATION is {configuration.name!r}: choose up to 30 lower-case letters, digits and hyphens, "
            "a letter first, since containers and networks are named after it"
        )
    return configuration


def _points_nowhere(settings: dict[str, str]) -> bool:
    """Whether the edge listens on all addresses, and names below `localhost` need one: they are this machine alone."""
    domain = settings["BERTH_APPS_DOMAIN"].lower().rstrip(".")
    return settings["BERTH_EDGE_ADDRESS"] in {"0.0.0.0", "::"} and domain.split(".")[-1] == "localhost"  # noqa: S104


def reachable(address: str) -> str:
    """The address at which this machine reaches what listens on `address`, which may be all of its addresses."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(address, f"[{address}]" if ":" in address else address)  # noqa: S104


def differences(configuration: Configuration) -> list[str]:
    """What the running installation was set up with, and what is asked for now, where the two differ."""
    stored = _stored(configuration.home / "settings.env", with_derived=True)
    wanted = configuration.settings
    return [
        f"{name} is {stored.get(name, 'not set')}, asked for {wanted[name]}"
        for name in sorted(wanted)
        if stored.get(name) != wanted[name]
    ]


def write(configuration: Configuration) -> None:
    """Writes `settings.env`, and `secrets.env` where a secret is missing: made once, and kept."""
    chosen = [f"{name}={value}" for name, value in sorted(configuration.chosen.items())]
    derived = [f"{name}={value}" for name, value in sorted(configuration.derived.items())]
    text = "\n".join(
        [
            "# The settings of this installation. The environment wins over this file; bin/up keeps what you add here.",
            *chosen,
            DERIVED_LINE,
            *derived,
            "",
        ]
    )
    replace(configuration.home / "settings.env", text, mode=0o644)
    _write_secrets(configuration)


def secret(configuration: Configuration, name: str) -> str:
    """A secret that `write` has made or kept."""
    return _stored(configuration.secrets_file)[name]


def _write_secrets(configuration: Configuration) -> None:
    path = configuration.secrets_file
    stored = _stored(path)
    wanted = dict(stored) | configuration.given_secrets
    wanted.setdefault("BERTH_SECRET_KEY", secrets.token_urlsafe(50))
    wanted.setdefault("BERTH_FIELD_ENCRYPTION_KEYS", base64.urlsafe_b64encode(os.urandom(32)).decode())
    if configuration.has_embedded_dns:
        wanted.setdefault("BERTH_DNS_API_KEY", secrets.token_urlsafe(32))
    if "FORGE_TOKEN" not in wanted:
        if not configuration.has_embedded_forge:
            raise Failure(
                f"FORGE_URL names a GitLab, and there is no token for it: set FORGE_TOKEN, or write it to {path}"
            )
        wanted["FORGE_TOKEN"] = "glpat-" + secrets.token_urlsafe(18)
    if wanted != stored:
        lines = [f"{name}={value}" for name, value in sorted(wanted.items())]
        replace(path, "\n".join(lines) + "\n", mode=0o600)
    elif path.stat().st_mode & 0o077:
        path.chmod(0o600)


def _stored(path: Path, *, with_derived: bool = False) -> dict[str, str]:
    if not path.is_file():
        return {}
    text = path.read_text()
    if not with_derived:
        text = text.split(DERIVED_LINE)[0]
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))


def _port(chosen: dict[str, str], setting: Setting) -> int:
    value = chosen.get(setting.name, setting.default or "")
    least, remedy = (0, ", or 0 for none") if setting.may_be_off else (1, "")
    if not re.fullmatch(r"[0-9]{1,5}", value) or not least <= int(value) <= 65535:
        raise Failure(f"{setting.name} is {value!r}: set a port from 1 to 65535{remedy}")
    return int(value)


def _refuse_doubles(ports: dict[str, int]) -> None:
    for number, (name, port) in enumerate(ports.items()):
        for earlier in list(ports)[:number]:
            if ports[earlier] == port:
                raise Failure(f"{earlier} and {name} are both {port}: give them two ports")


def _run_directory(home: Path) -> Path:
    """Where sockets and pid files are: in the home, or in a short place where its path is too long for a socket."""
    run = home / "run"
    if len(str(run / "supervisor.sock")) <= LONGEST_SOCKET:
        return run
    digest = hashlib.sha256(str(home).encode()).hexdigest()[:12]
    if os.geteuid() == 0:
        return Path("/run") / f"berth-{digest}"
    return Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp") / f"berth-{os.geteuid()}-{digest}"  # noqa: S108 - made 0700 and its owner checked in home.py
