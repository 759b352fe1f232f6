"""Names that nobody but the platform may use."""

_SLUGS = """
about abuse account accounts admin administrator api app apps assets auth autodiscover aux backup beat berth billing
blog cdn ci con conf config dashboard demo dev dns docker docs edge email explore forge ftp git gitlab graphql groups
health help host hosts imap infra internal localhost log login logout logs mail management me metrics mx new news
none ns ns1 ns2 null nul operator operators organization organizations platform pop portal postmaster prn production
project projects proxy public redis register registry release releases review reviewer reviewers root s3 search
security settings sign-in signin signup smtp ssh ssl staging static stats status support system teams templates test
timeline token tokens undefined user users variables web webhook webhooks webmail wiki worker www
com0 com1 com2 com3 com4 com5 com6 com7 com8 com9 lpt0 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9
"""
# What a shell, a loader, an interpreter or a library reads before the plugin's own code runs.
_VARIABLES = """
PATH HOME USER LOGNAME SHELL PWD OLDPWD IFS ENV TERM HOSTNAME TMPDIR PHPRC PHP_INI_SCAN_DIR BASH_ENV SHELLOPTS BASHOPTS
CDPATH GLOBIGNORE PROMPT_COMMAND NODE_OPTIONS MAGICK_THREAD_LIMIT OMP_NUM_THREADS HTTP_PROXY HTTPS_PROXY NO_PROXY
ALL_PROXY SSL_CERT_FILE SSL_CERT_DIR GCONV_PATH NLSPATH LOCPATH GLIBC_TUNABLES RESOLV_HOST_CONF HOSTALIASES
LOCALDOMAIN RES_OPTIONS CI
"""
RESERVED_SLUGS = frozenset(_SLUGS.split())
RESERVED_VARIABLES = frozenset(_VARIABLES.split())
RESERVED_VARIABLE_PREFIXES = (
    *("BERTH_", "CI_", "COMPOSE_", "DOCKER_", "FCGI_", "FORGE_", "FPM_"),
    *("GIT_", "LD_", "MALLOC_", "PYTHON"),
    # One thread a library: more would starve the neighbours.
    *("GOMP_", "KMP_", "MAGICK_", "OMP_", "OPENBLAS_"),
    *("DYLD_", "GCONV_"),
)
