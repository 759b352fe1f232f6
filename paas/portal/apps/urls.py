"""Pages of apps."""

from django.urls import URLPattern, path

from paas.portal.apps import app_page
from paas.portal.apps import views as apps

urlpatterns: list[URLPattern] = [
    path("apps/", apps.app_list, name="apps"),
    path("apps/new/", apps.app_new, name="app-new"),
    path("apps/<str:app>/", app_page.app_page, name="app"),
    path("apps/<str:app>/progress/", app_page.app_progress, name="app-progress"),
    path("apps/<str:app>/retire/", apps.app_end, name="app-retire"),
]
