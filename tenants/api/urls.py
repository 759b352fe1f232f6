"""Paths under /api/v1/."""

from django.urls import path

from tenants.api.views import apps, environments, organizations, releases, second_factor

urlpatterns = [
    path("me/", organizations.MeView.as_view()),
    path("me/second-factor/", second_factor.SecondFactorView.as_view()),
    path("me/second-factor/confirm/", second_factor.SecondFactorConfirmView.as_view()),
    path("me/second-factor/recovery-codes/", second_factor.RecoveryCodesView.as_view()),
    path("users/<str:username>/second-factor/", second_factor.UserSecondFactorView.as_view()),
    path("organizations/", organizations.OrganizationListView.as_view()),
    path("organizations/<str:slug>/", organizations.OrganizationView.as_view()),
    path("organizations/<str:slug>/members/", organizations.MemberListView.as_view()),
    path("organizations/<str:slug>/members/<str:username>/", organizations.MemberView.as_view()),
    path("apps/", apps.AppListView.as_view()),
    path("apps/<str:app>/", apps.AppView.as_view()),
    path("apps/<str:app>/timeline/", apps.TimelineView.as_view()),
    path("apps/<str:app>/environments/<str:env>/", environments.EnvironmentView.as_view()),
    path("apps/<str:app>/environments/<str:env>/variables/<str:name>/", environments.VariableView.as_view()),
    path("apps/<str:app>/releases/", releases.AppReleaseListView.as_view()),
    path("releases/", releases.ReleaseListView.as_view()),
    path("releases/<int:release>/", releases.ReleaseView.as_view()),
    path("releases/<int:release>/approve/", releases.ApproveView.as_view()),
    path("releases/<int:release>/reject/", releases.RejectView.as_view()),
    path("releases/<int:release>/cancel/", releases.CancelView.as_view()),
]
