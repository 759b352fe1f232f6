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
# What each request says of itself, as PHP has it: a variable of such a name would be one thing to the plugin's code and
# another to a library, and a visitor could send it. And where a worker lives.
_VARIABLES = """
AUTH_TYPE CONTENT_LENGTH CONTENT_TYPE DOCUMENT_ROOT DOCUMENT_URI FCGI_ROLE GATEWAY_INTERFACE HTTPS ORIG_PATH_INFO
ORIG_PATH_TRANSLATED ORIG_SCRIPT_FILENAME ORIG_SCRIPT_NAME PATH_INFO PATH_TRANSLATED PHP_AUTH_DIGEST PHP_AUTH_PW
PHP_AUTH_USER PHP_SELF QUERY_STRING REDIRECT_STATUS REMOTE_ADDR REMOTE_HOST REMOTE_IDENT REMOTE_PORT REMOTE_USER
REQUEST_METHOD REQUEST_SCHEME REQUEST_TIME REQUEST_TIME_FLOAT REQUEST_URI SCRIPT_FILENAME SCRIPT_NAME SERVER_ADDR
SERVER_ADMIN SERVER_NAME SERVER_PORT SERVER_PROTOCOL SERVER_SIGNATURE SERVER_SOFTWARE
HOME PATH TMPDIR
"""
RESERVED_SLUGS = frozenset(_SLUGS.split())
RESERVED_VARIABLES = frozenset(_VARIABLES.split())
RESERVED_VARIABLE_PREFIXES = ("BERTH_", "HTTP_")
