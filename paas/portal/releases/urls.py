"""Pages of releases."""

from django.urls import URLPattern, path

from paas.portal.releases import contents, rollbacks
from paas.portal.releases import views as releases
from paas.portal.releases.lists import release_list

urlpatterns: list[URLPattern] = [
    path("apps/<str:app>/releases/", release_list, name="app-releases"),
    path("apps/<str:app>/releases/new/", releases.release_new, name="release-new"),
    path("apps/<str:app>/environments/<str:env>/rollback/", rollbacks.rollback, name="rollback"),
    path("releases/<int:release>/", releases.release_page, name="release"),
    path("releases/<int:release>/files/", contents.release_files, name="release-files"),
    path("releases/<int:release>/files/view/", contents.release_file, name="release-file"),
    path("releases/<int:release>/diff/file/", contents.release_file_diff, name="release-file-diff"),
    path("releases/<int:release>/progress/", releases.release_progress, name="release-progress"),
    path("releases/<int:release>/cancel/", releases.cancel, name="release-cancel"),
]
