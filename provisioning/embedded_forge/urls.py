"""Where the forge answers, below the prefix under which the project mounts it."""

from django.urls import re_path

from provisioning.embedded_forge import git_http, views

urlpatterns = [
    re_path(r"^api/v4/(?P<rest>.*)\Z", views.api),
    re_path(
        r"^(?P<project>.+?)(?:\.git)?/(?P<service>info/refs|git-upload-pack|git-receive-pack)\Z", git_http.smart_http
    ),
]
