"""Routes of `access`."""

from django.urls import path

from access import views

urlpatterns = [
    path("tokens", views.Tokens.as_view()),
    path("tokens/<uuid:token_id>", views.OneToken.as_view()),
    path("tokens/<uuid:token_id>/rotate", views.RotateAccessToken.as_view()),
    path("trusts", views.Trusts.as_view()),
    path("trusts/<uuid:trust_id>", views.OneTrust.as_view()),
    path("sign-in-rules", views.SignInRules.as_view()),
    path("sign-in-rules/<uuid:rule_id>", views.OneSignInRule.as_view()),
    path("whoami", views.WhoAmI.as_view()),
]
