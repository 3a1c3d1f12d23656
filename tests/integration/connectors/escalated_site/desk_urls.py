"""All of escalated's routes, at the root."""

from django.urls import include, path

urlpatterns = [path("", include("escalated.urls"))]
