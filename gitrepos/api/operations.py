"""Operations of links and shared credentials, as the API's document tells them."""

from configurations.requests.operations import OBJECTED
from gitrepos.api.credential_serializers import CredentialInput, NewCredential
from gitrepos.api.link_serializers import Asked, Confirmation, NewLink
from gitrepos.api.shapes import (
    DeliveryShape,
    GitCredentialShape,
    GitRepoShape,
    LinkedFileShape,
    PreviewShape,
    RemovedCredentialShape,
    RemovedLinkShape,
    SummaryShape,
    SyncShape,
)
from keeptrusts.api.fields import Input
from keeptrusts.api.operations import JUDGED, SECOND_PERSON, Operation

_BUSY = "429 busy"
_URL = "https://github.com/org/governance-policies.git"
# What was changed in what was asked for, where anything was.
_NOTICES = {"notices": list[str]}

LIST_GIT_REPOS = Operation(
    "listGitRepos", "Lists links in the order of their making.", data=list[GitRepoShape]
)
CREATE_GIT_REPO = Operation(
    "createGitRepo",
    "Links a repository, which is polled at once.",
    body=NewLink,
    example={"url": _URL, "path": "policies/", "auto_create_configuration": True},
    data=GitRepoShape,
    sometimes=_NOTICES,
    status=(201,),
    errors=("409 already_linked", "409 busy"),
)
SUMMARY = Operation("getGitReposSummary", "Shows how all links stand.", data=SummaryShape)
TAKE_DELIVERY = Operation(
    "takeDelivery",
    "Takes a forge's webhook, which is a hint to poll. Its signature is the credential.",
    body=dict,
    data=DeliveryShape,
    status=(202,),
    errors=("400 unreadable", "401 unsigned"),
)
GET_GIT_REPO = Operation("getGitRepo", "Shows a link.", data=GitRepoShape, headers=("ETag",))
EDIT_GIT_REPO = Operation(
    "editGitRepo",
    "Changes a link.",
    body=Asked,
    example={"poll_interval_seconds": 600},
    data=GitRepoShape,
    sometimes=_NOTICES,
    errors=("409 already_linked", "409 busy", SECOND_PERSON),
)
DELETE_GIT_REPO = Operation(
    "deleteGitRepo",
    "Removes a link. What it fed stays in force.",
    data=RemovedLinkShape,
    errors=(SECOND_PERSON,),
)
SYNC = Operation(
    "syncGitRepo",
    "Asks for a sync: 202, or with `wait` 200 once it was made.",
    body=Input,
    data=(GitRepoShape, PreviewShape),
    status=(200, 202),
    errors=("409 suspended", _BUSY),
    note="With `dry_run` it answers 200 with a preview, writes nothing, and is `links.preview`.",
)
TEST = Operation(
    "testGitRepo",
    "Shows what the first sync of a link would do, or a merge into the ref of one.",
    body=NewLink,
    data=PreviewShape,
    sometimes=_NOTICES,
    errors=(_BUSY,),
)
CONFIRM = Operation(
    "confirmGitRepo",
    "Lets the held commit pass that the body names.",
    body=Confirmation,
    data=GitRepoShape,
    status=(202,),
    errors=(
        "409 held_changed", "409 not_held", "409 suspended", SECOND_PERSON, "409 request_over",
        "409 request_void", "409 not_what_was_shown", *OBJECTED,
    ),
)  # fmt: skip
LIST_SYNCS = Operation(
    "listSyncs", "Lists the last syncs of a link that changed something or failed.",
    data=list[SyncShape],
)  # fmt: skip
LIST_FILES = Operation(
    "listFiles", "Lists the files of a link and what became of them.", data=list[LinkedFileShape]
)
LIST_GIT_CREDENTIALS = Operation(
    "listGitCredentials", "Lists shared credentials by name.", data=list[GitCredentialShape]
)
CREATE_GIT_CREDENTIAL = Operation(
    "createGitCredential",
    "Stores a credential that links may name.",
    body=NewCredential,
    example={"name": "forge", "kind": "token", "hosts": ["github.com"], "token": "a-secret"},
    data=GitCredentialShape,
    status=(201,),
    errors=("409 name_taken", *JUDGED),
)
GET_GIT_CREDENTIAL = Operation(
    "getGitCredential",
    "Shows a credential without its secret.",
    data=GitCredentialShape,
    headers=("ETag",),
)
EDIT_GIT_CREDENTIAL = Operation(
    "editGitCredential",
    "Changes a credential.",
    body=CredentialInput,
    example={"token": "another-secret"},
    data=GitCredentialShape,
    errors=("409 in_use", "409 name_taken", "409 credential_unreadable", *JUDGED),
)
DELETE_GIT_CREDENTIAL = Operation(
    "deleteGitCredential",
    "Removes a credential that no link uses.",
    data=RemovedCredentialShape,
    errors=("409 in_use",),
)
