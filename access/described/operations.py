"""Operations of tokens, trusts and rules of sign-in, as the API's document tells them."""

from access.described.shapes import (
    MadeTokenShape,
    SignInRuleShape,
    TokenShape,
    TrustShape,
    WhoAmIShape,
)
from access.serializers import SignInRuleInput, TokenEdit, TokenInput, TokenRotation, TrustInput
from keeptrusts.api.operations import Operation

_ENDED, _NEEDED = "409 token_ended", "403 token_needed"
_OWN = "Whatever its role, a token may do this to itself."

LIST_TOKENS = Operation(
    "listTokens",
    "Lists tokens, never with their text.",
    data=list[TokenShape],
    errors=("404 not_found",),
)
CREATE_TOKEN = Operation(
    "createToken",
    "Makes a token. Its text is shown in this answer and never again.",
    body=TokenInput,
    example={"name": "drift script", "role": "ci"},
    data=MadeTokenShape,
    status=(201,),
    errors=(_ENDED, _NEEDED),
)
GET_TOKEN = Operation("getToken", "Shows a token.", data=TokenShape, headers=("ETag",))
EDIT_TOKEN = Operation(
    "editToken",
    "Changes a token.",
    body=TokenEdit,
    example={"note": "of the drift script"},
    data=TokenShape,
    errors=(_ENDED, _NEEDED),
)
REVOKE_TOKEN = Operation("revokeToken", "Revokes a token at once.", data=TokenShape, note=_OWN)
ROTATE_TOKEN = Operation(
    "rotateToken",
    "Gives a token a new text, while the one before stays good for a while.",
    body=TokenRotation,
    example={"overlap_seconds": 600},
    data=MadeTokenShape,
    errors=(_ENDED, _NEEDED, "409 text_replaced"),
    note=_OWN,
    headers=("Location",),
)
LIST_TRUSTS = Operation(
    "listTrusts", "Lists trusts.", data=list[TrustShape], errors=("404 not_found",)
)
CREATE_TRUST = Operation(
    "createTrust",
    "Makes a trust, by which JWTs of an issuer are bearer tokens.",
    body=TrustInput,
    example={
        "name": "pipeline of the policies",
        "issuer": "https://token.actions.githubusercontent.com",
        "audience": "https://keeptrusts.example.com",
        "repository_id": "123456",
        "environment": "production",
        "role": "ci",
    },
    data=TrustShape,
    status=(201,),
    errors=(_ENDED, _NEEDED, "409 name_taken"),
)
GET_TRUST = Operation("getTrust", "Shows a trust.", data=TrustShape, cached=True)
EDIT_TRUST = Operation(
    "editTrust",
    "Changes a trust.",
    body=TrustInput,
    example={"enabled": False},
    data=TrustShape,
    errors=(_ENDED, _NEEDED, "409 name_taken"),
)
DELETE_TRUST = Operation(
    "deleteTrust", "Deletes a trust; what it admitted is refused at once.", status=(204,)
)
LIST_SIGN_IN_RULES = Operation(
    "listSignInRules",
    "Lists rules of sign-in.",
    data=list[SignInRuleShape],
    errors=("404 not_found",),
)
CREATE_SIGN_IN_RULE = Operation(
    "createSignInRule",
    "Makes a rule, by which people whom the provider knows are let in to the console.",
    body=SignInRuleInput,
    example={
        "name": "the platform team",
        "issuer": "https://login.example.com/realms/org",
        "claims": {"groups": ["platform"]},
        "role": "editor",
    },
    data=SignInRuleShape,
    status=(201,),
    errors=(_ENDED, _NEEDED, "409 name_taken"),
)
GET_SIGN_IN_RULE = Operation(
    "getSignInRule", "Shows a rule of sign-in.", data=SignInRuleShape, cached=True
)
EDIT_SIGN_IN_RULE = Operation(
    "editSignInRule",
    "Changes a rule of sign-in, for whoever is signed in by it as well.",
    body=SignInRuleInput,
    example={"enabled": False},
    data=SignInRuleShape,
    errors=(_ENDED, _NEEDED, "409 name_taken"),
)
DELETE_SIGN_IN_RULE = Operation(
    "deleteSignInRule",
    "Deletes a rule of sign-in; whom it alone let in is signed out at once.",
    status=(204,),
)
WHO_AM_I = Operation("whoAmI", "Shows who asks, and what the role may do.", data=WhoAmIShape)
