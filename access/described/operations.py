"""Operations of tokens and trusts, as the API's document tells them."""

from access.described.shapes import MadeTokenShape, TokenShape, TrustShape, WhoAmIShape
from access.serializers import TokenEdit, TokenInput, TokenRotation, TrustInput
from keeptrusts.api.operations import Operation

_ENDED = "409 token_ended"
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
    errors=(_ENDED,),
)
GET_TOKEN = Operation("getToken", "Shows a token.", data=TokenShape, headers=("ETag",))
EDIT_TOKEN = Operation(
    "editToken",
    "Changes a token.",
    body=TokenEdit,
    example={"note": "of the drift script"},
    data=TokenShape,
    errors=(_ENDED,),
)
REVOKE_TOKEN = Operation("revokeToken", "Revokes a token at once.", data=TokenShape, note=_OWN)
ROTATE_TOKEN = Operation(
    "rotateToken",
    "Gives a token a new text, while the one before stays good for a while.",
    body=TokenRotation,
    example={"overlap_seconds": 600},
    data=MadeTokenShape,
    errors=(_ENDED, "409 text_replaced"),
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
    errors=(_ENDED,),
)
GET_TRUST = Operation("getTrust", "Shows a trust.", data=TrustShape, cached=True)
EDIT_TRUST = Operation(
    "editTrust",
    "Changes a trust.",
    body=TrustInput,
    example={"enabled": False},
    data=TrustShape,
    errors=(_ENDED,),
)
DELETE_TRUST = Operation(
    "deleteTrust", "Deletes a trust; what it admitted is refused at once.", status=(204,)
)
WHO_AM_I = Operation("whoAmI", "Shows who asks, and what the role may do.", data=WhoAmIShape)
