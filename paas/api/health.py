"""Whether the API can do its work: the database it needs, the broker it would like."""

import socket
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db import DatabaseError, connection
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.rest.permissions import OwnAffair

TIMEOUT_S = 1.0
_PORTS = {"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671}


class HealthSerializer(serializers.Serializer[None]):
    status = serializers.ChoiceField(choices=["ok", "degraded", "down"])
    database = serializers.ChoiceField(choices=["ok", "down"])
    broker = serializers.ChoiceField(choices=["ok", "down"])


class HealthView(APIView):
    access_actions = {"GET": OwnAffair("monitors ask it without an account; it tells of no row", scope=None)}
    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = []

    @extend_schema(operation_id="health", responses={200: HealthSerializer, 503: HealthSerializer}, auth=[])
    def get(self, request: Request) -> Response:
        """200 while the database answers; `degraded` without the broker, since then work waits for the sweep."""
        database = "ok" if database_answers() else "down"
        broker = "ok" if broker_answers(settings.CELERY_BROKER_URL) else "down"
        overall = "down" if database == "down" else "ok" if broker == "ok" else "degraded"
        code = status.HTTP_503_SERVICE_UNAVAILABLE if overall == "down" else status.HTTP_200_OK
        return Response({"status": overall, "database": database, "broker": broker}, status=code)


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return cursor.fetchone() == (1,)
    except DatabaseError:
        return False


def broker_answers(url: str) -> bool:
    """Whether something takes a connection at the broker's address, and, if it is Redis, answers; in a second."""
    parts = urlsplit(url)
    try:
        with _connected(parts.scheme, parts.hostname, parts.port, unquote(parts.path)) as stream:
            stream.settimeout(TIMEOUT_S)
            if parts.scheme not in {"redis", "redis+socket"}:
                return True
            stream.sendall(b"PING\r\n")
            # "-NOAUTH" is an answer too: this asks whether Redis is there, not for its data.
            return stream.recv(1) in {b"+", b"-"}
    except (OSError, ValueError):
        return False


def _connected(scheme: str, host: str | None, port: int | None, path: str) -> socket.socket:
    if scheme != "redis+socket":
        return socket.create_connection((host or "localhost", port or _PORTS.get(scheme, 0)), TIMEOUT_S)
    stream = socket.socket(socket.AF_UNIX)
    stream.settimeout(TIMEOUT_S)
    try:
        stream.connect(path)
    except OSError:
        stream.close()
        raise
    return stream
