"""Every setting of Berth: its name, its default, what it is for. `bin/lib`, `paas/settings` and the documents read it.

It stands here and imports nothing but the standard library, since `bin/up` reads it before there is a `.venv`.
`{NAME}` in a default stands for the value of another setting, `{ROOT}` for the directory of the project.
"""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class Setting:
    """One environment variable.

    `default` is None if there is none: then `shown` says where the value comes from. `shown` also stands in the
    documents in the place of a default that says little by itself. A port is one that something of the installation
    listens on. With `is_kept` False the value is not noted in `settings.env`, since it belongs to one run.
    """

    name: str
    default: str | None
    says: str
    shown: str = ""
    is_secret: bool = False
    is_port: bool = False
    may_be_off: bool = False
    is_kept: bool = True


def _port(name: str, port: int, says: str, *, may_be_off: bool = False) -> Setting:
    return Setting(name, str(port), says, is_port=True, may_be_off=may_be_off)


def _secret(name: str, default: str | None, says: str, shown: str) -> Setting:
    return Setting(name, default, says, shown=shown, is_secret=True)


def _only_tests(name: str, default: str | None, says: str, shown: str = "") -> Setting:
    return Setting(name, default, says, shown=shown, is_kept=False)


GROUPS: dict[str, tuple[Setting, ...]] = {
    "The installation": (
        Setting("BERTH_HOME", "{ROOT}/var", "the directory of everything that the installation writes", is_kept=False),
        Setting("BERTH_INSTALLATION", "berth", "its name: two installations on one machine need two names"),
        Setting("BERTH_SECRETS_FILE", "{BERTH_HOME}/secrets.env", "the file with the secrets, mode 0600"),
        Setting("BERTH_PROCESS", None, "set by the process manager for each process", "none", is_kept=False),
        Setting("BERTH_LOG_LEVEL", "INFO", "how much the processes log: `DEBUG`, `INFO`, `WARNING` or `ERROR`"),
        _secret("BERTH_SECRET_KEY", None, "signs sessions", "made once"),
        _secret(
            "BERTH_FIELD_ENCRYPTION_KEYS",
            "",
            "Fernet keys for secrets at rest, with commas: the first encrypts, all decrypt",
            "made once",
        ),
    ),
    "Web: portal, API, embedded forge": (
        Setting("BERTH_WEB_ADDRESS", "127.0.0.1", "the address on which the web listens"),
        _port("BERTH_WEB_PORT", 8000, "its port"),
        Setting("BERTH_WEB_URL", None, "the URL under which the forge reaches Berth's webhook", "address and port"),
        Setting("BERTH_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]", "names under which the web answers"),
        Setting(
            "BERTH_CSRF_TRUSTED_ORIGINS", "", "origins of a proxy in front of the portal (`https://berth.example`)"
        ),
        Setting("BERTH_API_RATE_USER", "1200/minute", "requests of one user to the API"),
        Setting("BERTH_API_RATE_ADDRESS", "600/minute", "requests of one address without a token"),
        Setting("BERTH_API_RATE_SIGN_IN", "20/minute", "sign-ins from one address"),
        Setting("BERTH_SIGN_IN_FAILURES", "5", "wrong passwords that lock a user name for the address they came from"),
        Setting("BERTH_SIGN_IN_COOL_OFF_S", "900", "how long that lock holds"),
    ),
    "Edge and certificates": (
        Setting("BERTH_EDGE_ADDRESS", "127.0.0.1", "the address at which visitors reach the apps"),
        _port("BERTH_EDGE_PORT", 8080, "the port for HTTP"),
        _port("BERTH_EDGE_TLS_PORT", 8443, "the port for HTTPS; `0` turns it off", may_be_off=True),
        Setting("BERTH_EDGE_HTTPS_REDIRECT", "false", "sends HTTP for a name with a certificate to HTTPS"),
        Setting(
            "BERTH_EDGE_PUBLIC_ADDRESSES",
            "{BERTH_EDGE_ADDRESS}",
            "the addresses under which the world reaches the edge, with commas. Set it if the edge listens on all "
            "addresses (`0.0.0.0`), unless the apps' domain ends in `localhost`",
        ),
        Setting("BERTH_EDGE_PROBE_ADDRESS", "127.0.0.1", "the address at which Berth itself reaches the edge"),
        Setting(
            "BERTH_EDGE_USER", "", "the user of the edge's workers", "an unprivileged one if the edge runs as root"
        ),
        Setting(
            "BERTH_CERTIFICATES_HOME",
            "{BERTH_HOME}/certificates",
            "the directory for operators' certificates: `NAME/fullchain.pem` and `NAME/privkey.pem`",
        ),
        Setting(
            "BERTH_SELF_SIGNED_CERTIFICATES",
            "true",
            "a zone without a certificate gets one that signs itself; `false` with `paas.settings.production`",
        ),
        Setting("BERTH_CERTIFICATES_INTERVAL_S", "60", "how often Berth looks for new certificates"),
    ),
    "Names and DNS": (
        Setting(
            "BERTH_APPS_DOMAIN",
            "apps.localhost",
            "apps are at `app1000001.<domain>` and `app1000001.test.<domain>`",
        ),
        Setting(
            "BERTH_EMBEDDED_DNS",
            "true",
            "runs the name server for that domain. With `false` deployments ask no name server, unless an operator "
            "hosts the zone with another account",
        ),
        Setting("BERTH_DNS_ADDRESS", "127.0.0.1", "the address on which it answers, over UDP and TCP"),
        _port("BERTH_DNS_LISTEN_PORT", 5300, "its port"),
        _port("BERTH_DNS_API_PORT", 5380, "the port of its HTTP API, on 127.0.0.1 alone"),
        _secret("BERTH_DNS_API_KEY", "", "the key of that API", "made once"),
        Setting(
            "BERTH_DNS_LOOKUPS",
            "",
            "asks name servers outside of this machine. While it is off, customers' domains wait and say so, and none "
            "of them is withdrawn",
            "`false` if `BERTH_APPS_DOMAIN` is below `localhost` and `BERTH_DNS_ROOTS` is empty, else `true`",
        ),
        Setting(
            "BERTH_DNS_ROOTS",
            "",
            "the servers at which lookups begin (`192.0.2.1,192.0.2.2:5300`)",
            "the Internet's root servers",
        ),
        Setting("BERTH_DNS_PORT", "53", "the port of servers that a delegation names"),
        Setting(
            "BERTH_DNS_ALLOW_PRIVATE",
            "false",
            "also asks name servers at loopback and private addresses. Turn it on only if all zones are your own: the "
            "owner of a domain chooses the addresses that its delegation names",
        ),
        Setting("BERTH_DNS_RESOLVERS", "", "resolvers that a deployment's names are asked of besides", "none"),
        Setting("BERTH_DNS_TIMEOUT_S", "2", "for one question to one server"),
        Setting("BERTH_DNS_DEADLINE_S", "10", "for all questions about one name"),
        Setting("BERTH_DNS_ADVANCE_INTERVAL_S", "10", "how often waiting changes of zones are taken up"),
        Setting("BERTH_DNS_COMPARE_INTERVAL_S", "300", "how often zones are compared with their rows"),
        Setting("BERTH_DOMAIN_ROUND_INTERVAL_S", "5", "how often Berth looks for customers' domains that are due"),
        Setting("BERTH_DOMAIN_CHECK_INTERVAL_S", "86400", "how often one customer's domain is checked"),
        Setting("BERTH_DOMAIN_GRACE_DAYS", "7", "how long a customer's domain may fail until it is withdrawn"),
        Setting("BERTH_DOMAIN_UNHEARD_DAYS", "30", "how long its name servers may be silent until it is withdrawn"),
        Setting("BERTH_NAME_QUARANTINE_DAYS", "30", "how long a proven name stays its organization's after its end"),
        Setting(
            "BERTH_CUSTOM_DOMAIN_SUFFIXES",
            "",
            "suffixes of a private network below which customers may have names",
            "none",
        ),
    ),
    "Forge and releases": (
        Setting("FORGE_URL", None, "a GitLab in the place of the embedded forge", "the embedded forge"),
        _secret("FORGE_TOKEN", None, "a token of an administrator of that GitLab", "made once"),
        Setting("BERTH_EMBEDDED_FORGE", "true", "runs the embedded forge; `false` if `FORGE_URL` is set"),
        Setting("BERTH_FORGE_HOME", "{BERTH_HOME}/repositories", "the embedded forge's bare repositories"),
        Setting("BERTH_FORGE_MAX_PUSH_BYTES", str(100 * MIB), "the size of one push to the embedded forge"),
        Setting("BERTH_MAX_RELEASE_BYTES", str(256 * MIB), "the size of all files of a release"),
        Setting("BERTH_MAX_RELEASE_FILES", "20000", "the number of its files"),
        Setting(
            "BERTH_MAX_REPOSITORY_BYTES", str(1024 * MIB), "the size of one fetch of a repository with its history"
        ),
        Setting("BERTH_PIPELINE_DEADLINE_S", "900", "how long a pipeline may wait for a runner and run"),
        Setting("BERTH_HEALTH_DEADLINE_S", "30", "how long a new release may take until it answers its health check"),
        Setting("BERTH_LOG_FOLLOWS_PER_USER", "10", "log streams that one user may have open, in one web process"),
        Setting("BERTH_LOG_RECHECK_INTERVAL_S", "10", "how often an open log stream checks that its user still may"),
    ),
    "Machine and containers": (
        Setting(
            "BERTH_DOCKER_URL", "unix:///var/run/docker.sock", "the Docker Engine; `bin/up` takes `DOCKER_HOST` too"
        ),
        Setting("BERTH_BASE_IMAGE", "", "a Debian image to build on", "made by mmdebstrap"),
        Setting("BERTH_PORT_FIRST", "20000", "the first of the loopback ports of the apps' containers"),
        Setting("BERTH_PORT_LAST", "23999", "the last of them"),
        Setting("BERTH_SUBNET_POOL", "10.213.0.0/16", "addresses of the apps' networks"),
        Setting("BERTH_UID_FIRST", "200000", "the first user id: each app gets two, which are never given out again"),
        Setting("BERTH_UID_LAST", "299999", "the last of them"),
        Setting(
            "BERTH_SSH_KEY_PATH", "{BERTH_HOME}/ssh/id_ed25519", "the private key for hosts that are reached over SSH"
        ),
    ),
    "Tasks": (
        Setting("BERTH_BROKER_URL", "redis+socket://{BERTH_HOME}/run/redis.sock", "the broker of the tasks' messages"),
        Setting("BERTH_SWEEP_INTERVAL_S", "5", "how often Berth looks for work that no worker has taken up"),
        Setting("BERTH_RECONCILE_INTERVAL_S", "3", "how often it looks for containers that died"),
    ),
    "Quotas, until an operator sets another for one organization or person": (
        Setting("BERTH_QUOTA_APPS", "30", "apps of an organization"),
        Setting("BERTH_QUOTA_MEMORY_MIB", "16384", "memory of all its environments"),
        Setting("BERTH_QUOTA_RELEASES_A_DAY", "200", "its releases in 24 hours"),
        Setting("BERTH_QUOTA_DOMAINS", "100", "its customers' domains"),
        Setting("BERTH_QUOTA_VARIABLES", "1000", "its variables"),
        Setting("BERTH_QUOTA_MEMBERS", "100", "its members and open invitations"),
        Setting("BERTH_QUOTA_SERVICE_ACCOUNTS", "20", "its service accounts"),
        Setting("BERTH_QUOTA_TOKENS", "100", "their API tokens"),
        Setting("BERTH_QUOTA_ORGANIZATIONS", "10", "organizations that one person may found"),
        Setting("BERTH_QUOTA_PERSONAL_TOKENS", "100", "API tokens of one person"),
    ),
    "PostgreSQL and cache, with `DJANGO_SETTINGS_MODULE=paas.settings.production`": (
        Setting("BERTH_DB_NAME", "berth", "the database"),
        Setting("BERTH_DB_USER", "berth", "its user"),
        _secret("BERTH_DB_PASSWORD", "", "the password of that user", "none"),
        Setting("BERTH_DB_HOST", "", "the host or the directory of the socket", "the local socket"),
        Setting("BERTH_DB_PORT", "", "the port", "5432"),
        Setting("BERTH_DB_IS_POOLED", "false", "set `true` behind a pooler that hands connections around"),
        Setting("BERTH_CACHE_URL", None, "a Redis for the cache", "must be set"),
    ),
    "For `bin/test` alone": (
        _only_tests("BERTH_TEST_HOME", None, "the directory of the test run", "a temporary one"),
        _only_tests("BERTH_TEST_LIMIT_S", None, "seconds after which the tests are ended", "the limit of `bin/test`"),
        _only_tests("BERTH_TEST_DATABASE", "sqlite", "the database of the tests: `sqlite` or `postgresql`"),
        _only_tests(
            "BERTH_TEST_TEMPLATE", "", "the migrated database that tests copy", "each test run migrates its own"
        ),
        _only_tests("BERTH_TEST_WEB_PORT", None, "the web port of the platform that tests bring up", "18000"),
        _only_tests("BERTH_TEST_EDGE_PORT", None, "its edge port", "18080"),
        _only_tests("BERTH_TEST_EDGE_TLS_PORT", None, "its edge port for HTTPS", "18443"),
        _only_tests("BERTH_TEST_DNS_PORT", None, "the port of its name server", "18030"),
        _only_tests("BERTH_TEST_DNS_API_PORT", None, "the port of that server's API", "18031"),
    ),
}
SETTINGS: dict[str, Setting] = {setting.name: setting for group in GROUPS.values() for setting in group}
