"""Git over HTTP: `git http-backend` behind tokens, streamed both ways.

A client that goes away takes its git process with it, and no answer is held in memory.
"""

import asyncio
import contextlib
import os
import signal
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from provisioning.embedded_forge import access, configuration, protection, spool, wake
from provisioning.embedded_forge.git import refs, repository
from provisioning.embedded_forge.git.process import environment
from provisioning.embedded_forge.http import authentication
from provisioning.embedded_forge.http.authentication import Caller
from provisioning.embedded_forge.models import Project

CHUNK_BYTES = 64 * 1024
MAX_HEADER_BYTES = 16 * 1024
DENIED = (
    "HTTP Basic: Access denied. If a password was provided for Git authentication, the password was incorrect or "
    "you're required to use a token instead of a password.\n"
)
MISSING = "The project you were looking for could not be found or you don't have permission to view it.\n"
READ_SCOPES = frozenset({"api", "read_repository", "write_repository"})
PUSH_SCOPES = frozenset({"api", "write_repository"})


class Refused(Exception):
    """Ends a request with `status` and a text for git to show."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True)
class Admission:
    """A request that may go on: git's environment, and the project."""

    variables: dict[str, str]
    project: Project
    is_push: bool


@csrf_exempt
async def smart_http(request: HttpRequest, project: str, service: str) -> HttpResponseBase:
    """The three calls of git's smart protocol. The dumb one is refused."""
    try:
        admission = await sync_to_async(admit)(request, project, service)
    except Refused as refusal:
        headers = {"WWW-Authenticate": 'Basic realm="GitLab"'} if refusal.status == 401 else {}
        return HttpResponse(
            refusal.text, status=refusal.status, headers=headers, content_type="text/plain; charset=utf-8"
        )
    process = await asyncio.create_subprocess_exec(
        "git", "http-backend",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env=environment(admission.variables), cwd="/", start_new_session=True, limit=CHUNK_BYTES,
    )  # fmt: skip
    feeding = asyncio.create_task(_feed(request, process))
    try:
        status, headers = await asyncio.wait_for(_headers(process), configuration.git_timeout_s())
    except BaseException:
        _kill(process, feeding)
        raise
    response = StreamingHttpResponse(_body(process, feeding, admission), status=status)
    del response["Content-Type"]
    for name, value in headers.items():
        response[name] = value
    return response


def admit(request: HttpRequest, full_path: str, service: str) -> Admission:
    """Checks who asks and for what, and lays out git's environment. Raises `Refused`."""
    wanted = request.GET.get("service", "") if service == "info/refs" else service
    if wanted not in {"git-upload-pack", "git-receive-pack"}:
        raise Refused(403, "Only git's smart protocol is served here.\n")
    if request.method != ("GET" if service == "info/refs" else "POST"):
        raise Refused(405, "405 Method Not Allowed\n")
    is_push = wanted == "git-receive-pack"
    caller = authentication.of_basic(request)
    project = Project.objects.select_related("namespace").filter(full_path__iexact=full_path.strip("/")).first()
    if caller is None:
        is_public = project is not None and project.visibility == "public"
        if "Authorization" in request.headers or is_push or not is_public:
            raise Refused(401, DENIED)
        caller = Caller()
    if caller.token is not None and not caller.scopes & READ_SCOPES:
        raise Refused(401, DENIED)
    if project is None or not access.may_see_project(caller, project):
        raise Refused(404, MISSING)
    if not access.may_download(caller, project):
        raise Refused(403, "You are not allowed to download code from this project.\n")
    variables = _variables(request, project, service)
    if is_push:
        variables |= _push_variables(caller, project)
    return Admission(variables, project, is_push and service != "info/refs")


def _variables(request: HttpRequest, project: Project, service: str) -> dict[str, str]:
    length = request.META.get("CONTENT_LENGTH") or ""
    return {
        "GIT_PROJECT_ROOT": str(repository.ensure(project)),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{service}",
        "QUERY_STRING": request.META.get("QUERY_STRING", ""),
        "REQUEST_METHOD": request.method or "GET",
        "CONTENT_TYPE": request.META.get("CONTENT_TYPE", ""),
        "CONTENT_LENGTH": length if length.isdigit() else "",
        "HTTP_CONTENT_ENCODING": request.META.get("HTTP_CONTENT_ENCODING", ""),
        "GIT_PROTOCOL": request.META.get("HTTP_GIT_PROTOCOL", ""),
        "REMOTE_ADDR": request.META.get("REMOTE_ADDR", ""),
    }


def _push_variables(caller: Caller, project: Project) -> dict[str, str]:
    """What the hooks of a push need to know; they ask nobody."""
    if caller.user is None or caller.job is not None or not caller.scopes & PUSH_SCOPES:
        raise Refused(403, "You are not allowed to upload code.\n")
    level = access.level(caller, project)
    if level < access.DEVELOPER:
        raise Refused(403, "You are not allowed to push code to this project.\n")
    if project.is_archived:
        raise Refused(403, "You can't push code to an archived project.\n")
    is_empty = refs.is_empty(repository.path_of(project.pk))
    if not is_empty:
        protection.settle_default_branch(project)
    return {
        "REMOTE_USER": caller.user.username,
        "FORGE_PROJECT": str(project.pk),
        "FORGE_USER": str(caller.user.pk),
        "FORGE_PUSH_ID": uuid.uuid4().hex,
        "FORGE_SPOOL": str(spool.directory()),
        "FORGE_RULES": protection.hook_rules(project, level),
        "FORGE_DEFAULT_BRANCH": "" if is_empty else project.default_branch,
        "FORGE_FIRST_PUSH": str(int(not is_empty or protection.may_push_first(project, level))),
        "FORGE_MAY_CHANGE_TAGS": str(int(level >= access.MAINTAINER)),
    }


async def _feed(request: HttpRequest, process: asyncio.subprocess.Process) -> None:
    """Hands the request's body to git. git may stop reading when it has refused."""
    if process.stdin is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        while chunk := request.read(CHUNK_BYTES):
            process.stdin.write(chunk)
            await process.stdin.drain()
    process.stdin.close()


async def _headers(process: asyncio.subprocess.Process) -> tuple[int, dict[str, str]]:
    status, headers, size = 200, {}, 0
    while process.stdout is not None and (line := await process.stdout.readline()).strip():
        size += len(line)
        if size > MAX_HEADER_BYTES:
            raise ValueError("git http-backend sent too many headers")
        name, _colon, value = line.decode("latin-1").strip().partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers[name] = value.strip()
    if not headers:
        status, headers = 500, {"Content-Type": "text/plain"}
    return status, headers


async def _body(
    process: asyncio.subprocess.Process, feeding: "asyncio.Task[None]", admission: Admission
) -> AsyncIterator[bytes]:
    try:
        async with asyncio.timeout(configuration.git_timeout_s()):
            while process.stdout is not None and (chunk := await process.stdout.read(CHUNK_BYTES)):
                yield chunk
            await process.wait()
        if admission.is_push:
            await sync_to_async(protection.settle_default_branch)(admission.project)
            wake.runner()
    finally:
        _kill(process, feeding)


def _kill(process: asyncio.subprocess.Process, feeding: "asyncio.Task[None]") -> None:
    """Ends git and everything it started. Does not wait: the event loop's child watcher takes the status."""
    feeding.cancel()
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
