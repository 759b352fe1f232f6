"""Pages of reviews."""

from django.urls import URLPattern, path

from paas.portal.reviews import views as reviews

urlpatterns: list[URLPattern] = [
    path("releases/<int:release>/review/", reviews.review, name="review"),
    path("reviews/", reviews.review_queue, name="reviews"),
]
