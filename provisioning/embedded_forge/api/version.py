"""`/version` and `/metadata`: which GitLab this forge answers like."""

from typing import Any

from provisioning.embedded_forge import configuration
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.routing import route


@route("GET", "version", also={"read_user"})
def version(call: Call) -> dict[str, Any]:
    return {"version": configuration.VERSION, "revision": configuration.REVISION}


@route("GET", "metadata", also={"read_user"})
def metadata(call: Call) -> dict[str, Any]:
    return {"version": configuration.VERSION, "revision": configuration.REVISION, "enterprise": False}
