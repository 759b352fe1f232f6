"""Settings that every installation shares. What a machine may change is read through `env`."""

from datetime import timedelta

from paas.settings import env
from paas.settings.celery import *  # noqa: F403

ROOT = env.ROOT
HOME = env.path("BERTH_HOME")
INSTALLATION = env.text("BERTH_INSTALLATION")
SECRETS_FILE = env.path("BERTH_SECRETS_FILE")

SECRET_KEY = env.text("BERTH_SECRET_KEY")
# Fernet keys for secrets at rest: the first encrypts, all decrypt.
FIELD_ENCRYPTION_KEYS = env.words("BERTH_FIELD_ENCRYPTION_KEYS")
DEBUG = False
ALLOWED_HOSTS = env.words("BERTH_ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = env.words("BERTH_CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "guardian",
    "axes",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "tenants.config.TenantsConfig",
    "provisioning.config.ProvisioningConfig",
    "provisioning.embedded_forge",
    "paas",
]
MIDDLEWARE = [
    "paas.middleware.RequestIdMiddleware",
    "paas.middleware.AuthenticationContextMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "paas.middleware.ContentSecurityPolicyMiddleware",
    "paas.middleware.ApiRequestMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "paas.middleware.SlashMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "paas.urls"
WSGI_APPLICATION = "paas.wsgi.application"
ASGI_APPLICATION = "paas.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "paas.portal.navigation.navigation",
            ],
        },
    }
]

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = [
    # First, so that a password is not even looked at where its name is locked out.
    "axes.backends.AxesStandaloneBackend",
    # Before the next, so that a permission which policies refuse comes from nowhere else.
    "tenants.access.backend.PolicyBackend",
    "django.contrib.auth.backends.ModelBackend",
]
ANONYMOUS_USER_NAME = None
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# Wrong passwords count by name and address together: nobody locks anybody out from elsewhere.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = env.integer("BERTH_SIGN_IN_FAILURES")
AXES_COOLOFF_TIME = timedelta(seconds=env.integer("BERTH_SIGN_IN_COOL_OFF_S"))
# Else a guesser in the same network could keep somebody out for as long as they go on.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_USERNAME_CALLABLE = "tenants.people.services.sign_in.name_counted"
AXES_CLIENT_STR_CALLABLE = "tenants.people.services.sign_in.client_described"
# The audit trail is the log of who came in.
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
# axes' middleware makes answers for views that don't; these do. guardian keeps grants here, and decides nothing.
SILENCED_SYSTEM_CHECKS = ["axes.W002", "guardian.W001"]
LOGIN_URL = "portal:sign-in"
LOGIN_REDIRECT_URL = "portal:apps"
LOGOUT_REDIRECT_URL = "portal:sign-in"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
STATIC_URL = "/static/"
STATICFILES_DIRS = [ROOT / "templates" / "static"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "paas.api.authentication.TokenAuthentication",
        "paas.api.authentication.PortalSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["tenants.rest.permissions.PolicyPermission"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["paas.api.parsers.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "tenants.rest.pagination.CursorPages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "paas.api.refusals.DocumentedSchema",
    "DEFAULT_THROTTLE_CLASSES": ["paas.throttling.UserThrottle", "paas.throttling.AddressThrottle"],
    "DEFAULT_THROTTLE_RATES": {
        "user": env.text("BERTH_API_RATE_USER"),
        "address": env.text("BERTH_API_RATE_ADDRESS"),
        "sign-in": env.text("BERTH_API_RATE_SIGN_IN"),
    },
    "EXCEPTION_HANDLER": "paas.api.errors.problem_details",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "DATETIME_FORMAT": "iso-8601",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Berth",
    "DESCRIPTION": "Review-gated hosting for plugins.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "paas.api.refusals.document_problems",
    ],
    "ENUM_NAME_OVERRIDES": {
        "AppState": "tenants.apps.choices.AppState",
        "ReleaseState": "tenants.releases.choices.ReleaseState",
        "EnvironmentName": "tenants.apps.choices.EnvironmentName",
        "PartHealth": ["ok", "down"],
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# Forge: GitLab, or the embedded one that answers the same API.
FORGE_URL = env.text("FORGE_URL")
FORGE_TOKEN = env.text("FORGE_TOKEN")
# The URL under which the forge reaches Berth's webhook receiver.
WEB_URL = env.text("BERTH_WEB_URL")
# The embedded forge; unused where FORGE_URL is a GitLab.
EMBEDDED_FORGE = env.boolean("BERTH_EMBEDDED_FORGE")
EMBEDDED_FORGE_URL = FORGE_URL
EMBEDDED_FORGE_ROOT_TOKEN = FORGE_TOKEN
EMBEDDED_FORGE_HOME = env.path("BERTH_FORGE_HOME")
EMBEDDED_FORGE_MAX_PUSH_BYTES = env.integer("BERTH_FORGE_MAX_PUSH_BYTES")

# Apps: hostnames, edge, hosts.
APPS_DOMAIN = env.text("BERTH_APPS_DOMAIN")
EDGE_ADDRESS = env.text("BERTH_EDGE_ADDRESS")
EDGE_PORT = env.integer("BERTH_EDGE_PORT")
# For HTTPS; 0: none.
EDGE_TLS_PORT = env.integer("BERTH_EDGE_TLS_PORT")
# Whether plain HTTP for a name with a certificate is sent to HTTPS.
EDGE_HTTPS_REDIRECT = env.boolean("BERTH_EDGE_HTTPS_REDIRECT")
# Where operators put certificates: NAME/fullchain.pem and NAME/privkey.pem, NAME being a zone or a hostname.
CERTIFICATES_HOME = env.path("BERTH_CERTIFICATES_HOME")
# Whether a zone without one gets one that signs itself.
SELF_SIGNED_CERTIFICATES = env.boolean("BERTH_SELF_SIGNED_CERTIFICATES")
SELF_SIGNED_HOME = HOME / "self-signed"
# Where Berth itself reaches the edge, to look at an app as the world does.
EDGE_PROBE_ADDRESS = env.text("BERTH_EDGE_PROBE_ADDRESS")
# The addresses under which the world reaches the edge: what a customer's domain points to. Left out: the edge's own.
EDGE_PUBLIC_ADDRESSES = env.addresses("BERTH_EDGE_PUBLIC_ADDRESSES")
# Customers' own domains: how often one that is served is looked at, how long it may fail until it is withdrawn, and how
# long nobody may answer for it until then.
DOMAIN_CHECK_INTERVAL_S = env.integer("BERTH_DOMAIN_CHECK_INTERVAL_S")
DOMAIN_GRACE_DAYS = env.integer("BERTH_DOMAIN_GRACE_DAYS")
DOMAIN_UNHEARD_DAYS = env.integer("BERTH_DOMAIN_UNHEARD_DAYS")
# For so long a name that was proven is nobody else's after its end.
NAME_QUARANTINE_DAYS = env.integer("BERTH_NAME_QUARANTINE_DAYS")
# Suffixes of a private network below which customers may have names, though the public DNS has none there.
CUSTOM_DOMAIN_SUFFIXES = env.words("BERTH_CUSTOM_DOMAIN_SUFFIXES")
# Who the edge's workers run as. Empty: an unprivileged user where the edge starts as root.
EDGE_USER = env.text("BERTH_EDGE_USER")
EDGE_HOME = HOME / "edge"
# What the edge's machine serves without containers, where an operator wants that.
FALLBACK_HOME = HOME / "fallback"
RELEASES_HOME = HOME / "releases"
# Copies of the apps' code repositories, which reviews and checks read.
READING_HOME = HOME / "reading"
# Whether anybody outside of this machine is asked for names. Left out: not where BERTH_APPS_DOMAIN is below localhost
# and BERTH_DNS_ROOTS names nobody.
DNS_LOOKUPS = env.boolean("BERTH_DNS_LOOKUPS") if env.text("BERTH_DNS_LOOKUPS") else None
# Where lookups begin; empty: the root servers of the Internet. The port is that of servers found by delegation.
DNS_ROOTS = env.words("BERTH_DNS_ROOTS")
DNS_PORT = env.integer("BERTH_DNS_PORT")
# Whether name servers are asked at loopback and private addresses. A delegation is its zone's owner's: with this on,
# they choose where in Berth's own network a question goes.
DNS_ALLOW_PRIVATE = env.boolean("BERTH_DNS_ALLOW_PRIVATE")
# Resolvers to be asked besides the zone's own servers.
DNS_RESOLVERS = env.words("BERTH_DNS_RESOLVERS")
# One question to one server; everything that is asked to look at one name once.
DNS_TIMEOUT_S = env.integer("BERTH_DNS_TIMEOUT_S")
DNS_DEADLINE_S = env.integer("BERTH_DNS_DEADLINE_S")
# What one release's tree may hold.
MAX_RELEASE_BYTES = env.integer("BERTH_MAX_RELEASE_BYTES")
MAX_RELEASE_FILES = env.integer("BERTH_MAX_RELEASE_FILES")
# What one fetch of a code repository may bring, with the history of its commits.
MAX_REPOSITORY_BYTES = env.integer("BERTH_MAX_REPOSITORY_BYTES")
# The limits of an organization, and at the end those of a person, until an operator sets others for one of them.
QUOTAS = {
    "apps": env.integer("BERTH_QUOTA_APPS"),
    "memory_mib": env.integer("BERTH_QUOTA_MEMORY_MIB"),
    "releases_a_day": env.integer("BERTH_QUOTA_RELEASES_A_DAY"),
    "domains": env.integer("BERTH_QUOTA_DOMAINS"),
    "variables": env.integer("BERTH_QUOTA_VARIABLES"),
    "members": env.integer("BERTH_QUOTA_MEMBERS"),
    "service_accounts": env.integer("BERTH_QUOTA_SERVICE_ACCOUNTS"),
    "tokens": env.integer("BERTH_QUOTA_TOKENS"),
    "organizations": env.integer("BERTH_QUOTA_ORGANIZATIONS"),
    "personal_tokens": env.integer("BERTH_QUOTA_PERSONAL_TOKENS"),
}
# How long a pipeline may wait for a runner and run.
PIPELINE_DEADLINE_S = env.integer("BERTH_PIPELINE_DEADLINE_S")
# How long a new release may take until it answers its health check.
HEALTH_DEADLINE_S = env.integer("BERTH_HEALTH_DEADLINE_S")
# Ports, subnets and uids are leased from these ranges, never probed.
PORT_RANGE = (env.integer("BERTH_PORT_FIRST"), env.integer("BERTH_PORT_LAST"))
SUBNET_POOL = env.text("BERTH_SUBNET_POOL")
UID_RANGE = (env.integer("BERTH_UID_FIRST"), env.integer("BERTH_UID_LAST"))
DOCKER_URL = env.text("BERTH_DOCKER_URL")
# Log streams that one user may have open at once, in one web process; how often each is asked whether it still may.
LOG_FOLLOWS_PER_USER = env.integer("BERTH_LOG_FOLLOWS_PER_USER")
LOG_RECHECK_INTERVAL_S = env.integer("BERTH_LOG_RECHECK_INTERVAL_S")
# A Debian image to build on, from a registry; empty: one is made from this machine's own apt sources.
BASE_IMAGE = env.text("BERTH_BASE_IMAGE")
# The private key for hosts that are reached over SSH.
SSH_KEY_PATH = env.path("BERTH_SSH_KEY_PATH")

# The name server that `bin/up` runs (PowerDNS); off where names are kept elsewhere.
EMBEDDED_DNS = env.boolean("BERTH_EMBEDDED_DNS")
DNS_HOME = HOME / "dns"
DNS_ADDRESS = env.text("BERTH_DNS_ADDRESS")
DNS_LISTEN_PORT = env.integer("BERTH_DNS_LISTEN_PORT")
DNS_API_PORT = env.integer("BERTH_DNS_API_PORT")
DNS_API_KEY = env.text("BERTH_DNS_API_KEY")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.text("BERTH_LOG_LEVEL")},
    "loggers": {
        "urllib3": {"level": "WARNING"},
        # A line for each round of the sweep and the reconciler would bury what an operator looks for.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        # It would say at each sign-in how many old failures it has deleted.
        "axes": {"level": "WARNING"},
    },
}
