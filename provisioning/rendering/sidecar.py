"""The nginx beside the plugin, in the platform's own container: static files, and the way to the plugin's socket."""

from provisioning.rendering.compose import SIDECAR_PORT, SOCKET_HOME
from provisioning.rendering.grammar import check_release
from provisioning.rendering.limits import MAX_BODY_MIB
from provisioning.rendering.specs import ReleaseSpec
from provisioning.rendering.text import fill


def render_sidecar_nginx(spec: ReleaseSpec) -> str:
    """The sidecar's nginx.conf. Only the stack decides what is in it: no text of a tenant's enters."""
    check_release(spec)
    if spec.stack == "php":
        fastcgi = fill("sidecar/fastcgi.conf", SOCKET_HOME=SOCKET_HOME).rstrip("\n")
        locations = fill("sidecar/php.conf", FASTCGI=fastcgi)
        index, indexes = "index.php", "index.php index.html"
    else:
        locations = fill("sidecar/static.conf")
        index = indexes = "index.html"
    return fill(
        "sidecar/server.conf",
        BODY_MIB=MAX_BODY_MIB, PORT=SIDECAR_PORT, INDEX=index, INDEXES=indexes, LOCATIONS=locations,
    )  # fmt: skip
