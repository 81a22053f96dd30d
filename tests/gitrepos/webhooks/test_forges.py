"""Signatures and bodies of deliveries, by forge; pure."""

import base64
import hashlib
import hmac
import json
import time
import urllib.parse
from collections.abc import Callable

import pytest

from gitrepos.webhooks.forges import Delivery, Push, UnreadableError, UnverifiedError, read, verify
from tests.support import hooks
from tests.support.hooks import COMMIT, FORMS, SECRET, STANDARD_SECRET, ZEROS


def lower(headers: dict[str, str]) -> dict[str, str]:
    """Names of headers as the receiver wants them."""
    return {name.lower(): value for name, value in headers.items()}


def verified(headers: dict[str, str], body: bytes, secret: str = SECRET) -> str:
    """What `verify` says of a delivery that arrives now."""
    return verify(lower(headers), body, secret=secret, now=time.time())


@pytest.mark.parametrize("form", FORMS)
def test_what_is_signed_with_the_secret_is_genuine(form: str) -> None:
    """Each forge in its own way."""
    make, sign = FORMS[form]
    body = make()

    assert len(verified(sign(body), body)) == 64


@pytest.mark.parametrize("form", FORMS)
def test_another_secret_is_refused(form: str) -> None:
    """However like the right one it is."""
    make, sign = FORMS[form]
    body = make()
    for secret in (SECRET + "x", SECRET[:-1], SECRET.upper(), "", "é"):
        with pytest.raises(UnverifiedError):
            verified(sign(body, secret=secret), body)


@pytest.mark.parametrize("form", sorted(set(FORMS) - {"gitlab", "azure"}))
def test_another_body_is_refused(form: str) -> None:
    """One byte more is another body."""
    make, sign = FORMS[form]
    body = make()
    with pytest.raises(UnverifiedError):
        verified(sign(body), body + b" ")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-GitHub-Event": "push"},
        {"X-Hub-Signature-256": ""},
        {"X-Hub-Signature-256": "sha256="},
        {"X-Gitlab-Token": ""},
        {"X-Gitea-Signature": "\xff"},
        {"X-Keeptrusts-Signature": ""},
        {"Authorization": f"Bearer {SECRET}"},
        {"Authorization": "Basic"},
        {"Authorization": f"Basic {SECRET}"},
        {"Authorization": "Basic " + base64.b64encode(SECRET.encode()).decode()},
        {"Authorization": "Basic " + base64.b64encode(f"{SECRET}:".encode()).decode()},
        {"Authorization": "Basic " + base64.b64encode(b":\xff\xfe").decode()},
        {"Authorization": "Basic \xe9"},
        {**hooks.azure(b""), "X-Hub-Signature-256": "sha256=" + "0" * 64},
        {"X-Hub-Signature": "sha1=" + hmac.new(SECRET.encode(), b"{}", hashlib.sha1).hexdigest()},
        {
            "webhook-signature": "v1,x",
            "webhook-id": "1",
            "webhook-timestamp": str(int(time.time())),
        },
    ],
)
def test_what_is_not_signed_is_refused(headers: dict[str, str]) -> None:
    """SHA-1 is no signature either."""
    with pytest.raises(UnverifiedError):
        verified(headers, b"{}")


@pytest.mark.parametrize("way", [-1, 1])
@pytest.mark.parametrize("sign", [hooks.timed, hooks.standard])
def test_a_signature_with_a_time_in_it_grows_old(
    sign: Callable[..., dict[str, str]], way: int
) -> None:
    """Five minutes in either direction, for clocks that differ."""
    body = hooks.push()
    secret = STANDARD_SECRET if sign is hooks.standard else SECRET
    assert verified(sign(body, at=time.time() + way * 240), body, secret)

    with pytest.raises(UnverifiedError):
        verified(sign(body, at=time.time() + way * 400), body, secret)


@pytest.mark.parametrize(
    "header",
    ["t=1", "v1=a", "t=1,v1=a", "t=-1,v1={v1}", "t={t},v1={v1},", "t={t}, v1={v1}", "t=٣,v1={v1}",
     "v1={v1},t={t}", "t={t},v1={v1}\n", "t=" + "9" * 400 + ",v1={v1}"],
)  # fmt: skip
def test_a_malformed_signature_is_refused(header: str) -> None:
    """It has one spelling."""
    body = hooks.push()
    moment, _, signed = hooks.timed(body)["X-Keeptrusts-Signature"].partition(",")
    text = header.format(t=moment[2:], v1=signed[3:])
    with pytest.raises(UnverifiedError):
        verified({"X-Keeptrusts-Signature": text}, body)


def test_a_list_of_standard_signatures_may_have_old_ones() -> None:
    """While a secret is replaced, the sender signs with both."""
    body = hooks.gitlab_push()
    headers = hooks.standard(body)
    headers["webhook-signature"] = f"v1,old v1a,other {headers['webhook-signature']} v1,x"

    assert verified(headers, body, STANDARD_SECRET)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_standard_signature_covers_id_and_time(name: str) -> None:
    """None of them may be another or missing."""
    body = hooks.gitlab_push()
    headers = hooks.standard(body)
    for other in ({**headers, name: headers[name] + "1"}, {**headers, name: ""}):
        with pytest.raises(UnverifiedError):
            verified(other, body, STANDARD_SECRET)


def test_a_standard_secret_that_is_no_base64_opens_nothing() -> None:
    """Nothing is signed with it."""
    body = hooks.gitlab_push()
    with pytest.raises(UnverifiedError):
        verified(hooks.standard(body), body, "whsec_no base64 at all")


@pytest.mark.parametrize("form", FORMS)
def test_a_replay_is_known_by_what_is_signed(form: str) -> None:
    """The same delivery has the same digest, another body another one."""
    make, sign = FORMS[form]
    body, other = make(), make()
    headers = sign(body)

    assert verified(headers, body) == verified(headers, body)
    assert verified(headers, body) != verified(sign(other), other)


IDS = {
    "github": ["X-GitHub-Delivery"],
    "gitlab": ["X-Gitlab-Event-UUID"],
    "gitea": ["X-GitHub-Delivery", "X-Gitea-Delivery", "X-Gogs-Delivery"],
    "forgejo": ["X-GitHub-Delivery", "X-Forgejo-Delivery", "X-Gitea-Delivery", "X-Gogs-Delivery"],
    "gogs": ["X-GitHub-Delivery", "X-Gogs-Delivery"],
    "bitbucket-cloud": ["X-Request-UUID"],
    "bitbucket-server": ["X-Request-Id"],
}


@pytest.mark.parametrize(("form", "name"), [(form, name) for form in IDS for name in IDS[form]])
def test_the_same_push_made_again_is_no_replay(form: str, name: str) -> None:
    """Bodies without a time are the same when a push is undone and made again; the id is not."""
    make, sign = FORMS[form]
    body = make()
    headers = sign(body)

    assert verified({**headers, name: "another"}, body) != verified(headers, body)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "changed",
    [
        {"X-Attempt-Number": "2"},
        {"User-Agent": "x"},
        {"X-Hook-UUID": "x"},
        {"X-Forwarded-For": "x"},
    ],
)
def test_the_same_delivery_sent_again_is_a_replay(form: str, changed: dict[str, str]) -> None:
    """By the forge, which counts its attempts, or by way of another machine."""
    make, sign = FORMS[form]
    body = make()
    headers = sign(body)

    assert verified({**headers, **changed}, body) == verified(headers, body)


def test_what_a_proxy_adds_is_no_id_of_a_forge() -> None:
    """Only Bitbucket Data Center's own requests have theirs in this header."""
    body = hooks.github_push()
    headers = hooks.github(body)

    assert verified({**headers, "X-Request-Id": "a"}, body) == verified(headers, body)


@pytest.mark.parametrize("user", ["", "anybody", "é"])
def test_the_user_of_basic_authentication_may_be_any(user: str) -> None:
    """The password alone is the secret, with colons in it, too."""
    body = hooks.azure_push()
    for secret in (SECRET, "a:secret:with:colons"):
        headers = hooks.azure(body, secret=secret, user=user)
        assert verified(headers, body, secret)
        assert verified(
            {"authorization": headers["Authorization"].replace("Basic", "basic")}, body, secret
        )


@pytest.mark.parametrize("form", FORMS)
def test_a_push_says_which_branch_is_where(form: str) -> None:
    """Full name, commit and, but for the generic form, the repository."""
    make, sign = FORMS[form]
    body = make("release/1.x")

    delivery = read(lower(sign(body)), body)

    assert delivery.pushes == (Push("refs/heads/release/1.x", COMMIT),)
    assert delivery.repository.lower() == ("" if form == "generic" else "org/policies")


@pytest.mark.parametrize("form", ["github", "gitlab", "gitea", "forgejo", "gogs", "azure"])
def test_a_push_says_which_branch_is_the_default(form: str) -> None:
    """Where the forge does."""
    make, sign = FORMS[form]
    body = make("other")

    assert read(lower(sign(body)), body).default_branch == "main"


@pytest.mark.parametrize("form", FORMS)
def test_a_branch_that_was_deleted_has_no_commit(form: str) -> None:
    """Zeros stand for none."""
    make, sign = FORMS[form]
    body = make("gone", ZEROS)

    assert read(lower(sign(body)), body).pushes == (Push("refs/heads/gone", ""),)


def test_a_push_of_several_branches_tells_of_each() -> None:
    """Bitbucket's may."""
    one, two = json.loads(hooks.cloud_push("a")), json.loads(hooks.cloud_push("b"))
    one["push"]["changes"] += two["push"]["changes"]
    body = json.dumps(one).encode()

    pushes = read(lower(hooks.bitbucket(body)), body).pushes

    assert [push.ref for push in pushes] == ["refs/heads/a", "refs/heads/b"]


@pytest.mark.parametrize(
    ("project", "name", "said"),
    [("Team", "policies", "Team/policies"), ("policies", "policies", "policies"),
     (None, "policies", "policies"), (None, None, "")],
)  # fmt: skip
def test_azure_names_a_repository_by_its_project(
    project: str | None, name: str | None, said: str
) -> None:
    """Which a url of the project's own repository may leave out."""
    payload = json.loads(hooks.azure_push())
    payload["resource"]["repository"] = {"name": name, "project": project and {"name": project}}
    body = json.dumps(payload).encode()

    delivery = read(lower(hooks.azure(body)), body)

    assert (delivery.repository, delivery.default_branch) == (said, "")
    assert delivery.pushes == (Push("refs/heads/main", COMMIT),)


@pytest.mark.parametrize(
    "body",
    [b'{"eventType": "git.push"}', b'{"eventType": "git.push", "resource": {}}',
     b'{"eventType": "git.push", "resource": {"refUpdates": [{"name": "refs/heads/main"}]}}',
     b'{"eventType": "git.push", "resource": {"refUpdates": 1}}', b'{"eventType": ["git.push"]}'],
)  # fmt: skip
def test_a_push_of_azure_without_its_refs_is_an_error(body: bytes) -> None:
    """As a hook sends it that is set to send fewer details."""
    with pytest.raises(UnreadableError):
        read(lower(hooks.azure(body)), body)


def test_another_event_of_azure_moves_nothing() -> None:
    """It is named in the body alone."""
    body = b'{"eventType": "git.pullrequest.created", "resource": {}}'

    assert read(lower(hooks.azure(body)), body) == Delivery("git.pullrequest.created")


def test_a_generic_push_may_have_fields_of_others() -> None:
    """What has a ref is a push."""
    body = hooks.push(eventType="of the sender")

    assert read(lower(hooks.timed(body)), body).pushes == (Push("refs/heads/main", COMMIT),)


@pytest.mark.parametrize("commit", [COMMIT, ZEROS])
@pytest.mark.parametrize("form", FORMS)
def test_a_pushed_tag_is_told_without_a_commit(form: str, commit: str) -> None:
    """Also one with a branch's name, or one that was deleted.

    Forges tell of an annotated tag's own object, or of its commit.
    """
    make, sign = FORMS[form]
    body = make("main", commit).replace(b"refs/heads/", b"refs/tags/")
    body = body.replace(b'"type": "branch"', b'"type": "tag"')
    body = body.replace(b'"object_kind": "push"', b'"object_kind": "tag_push"')
    headers = sign(body, event="Tag Push Hook") if form == "gitlab" else sign(body)

    assert read(lower(headers), body).pushes == (Push("refs/tags/main", ""),)


def test_what_is_neither_branch_nor_tag_is_no_push() -> None:
    """Such as what a forge keeps of a proposal."""
    body = json.dumps({"ref": "refs/pull/1/head", "after": COMMIT}).encode()

    assert read(lower(hooks.github(body)), body).pushes == ()


@pytest.mark.parametrize(
    "headers",
    [
        hooks.github(b"{}", event="ping"),
        hooks.github(b"{}", event="pull_request"),
        hooks.gitea(b"{}", event="create"),
        hooks.gogs(b"{}", event="create"),
        hooks.gitlab(b"{}", event="Note Hook"),
        hooks.bitbucket(b"{}", event="diagnostics:ping"),
        hooks.bitbucket(b"{}", event="pullrequest:created"),
    ],
)
def test_other_events_are_not_read(headers: dict[str, str]) -> None:
    """Whatever their body is."""
    delivery = read(lower(headers), b"\xff no JSON")

    assert delivery.pushes == ()
    assert delivery.event


def test_a_system_hook_that_tells_of_no_push_moves_nothing() -> None:
    """GitLab's tells of whatever happens on the server."""
    body = json.dumps({"event_name": "project_create", "name": "policies"}).encode()
    push = hooks.gitlab_push()

    assert read(lower(hooks.gitlab(body, event="System Hook")), body).pushes == ()
    assert read(lower(hooks.gitlab(push, event="System Hook")), push).pushes


def test_a_form_is_read_like_its_json() -> None:
    """GitHub's default for a hook that is made by hand."""
    inner = hooks.github_push()
    body = urllib.parse.urlencode({"payload": inner.decode()}).encode()

    assert read(lower(hooks.github(body)), body) == read(lower(hooks.github(inner)), inner)


def test_json_that_calls_itself_a_form_is_json() -> None:
    """As curl does unless it is told otherwise."""
    body = hooks.push()
    headers = {**hooks.timed(body), "Content-Type": "application/x-www-form-urlencoded"}

    assert read(lower(headers), body).pushes == (Push("refs/heads/main", COMMIT),)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"1", b'"ref"', b"{}", b"\xff", b"{", b'{"ref": null}', b'{"ref": 1}',
     b'{"ref": "refs/heads/main", "after": 1}', b'{"ref": "refs/heads/main", "after": "abc"}',
     b'{"ref": "refs/heads/main", "after": "' + b"A" * 40 + b'"}',
     b'{"ref": "refs/heads/main", "repository": 1}', b"[" * 100_000],
)  # fmt: skip
@pytest.mark.parametrize("sign", [hooks.github, hooks.gitlab, hooks.bitbucket, hooks.timed])
def test_a_push_that_cannot_be_read_is_an_error(
    sign: Callable[[bytes], dict[str, str]], body: bytes
) -> None:
    """It is genuine all the same, so whoever sent it learns of it."""
    if b"ref" in body and sign is hooks.gitlab:
        body = body.replace(b"{", b'{"object_kind": "push", ')
    if sign is hooks.gitlab and body == b"{}":
        assert read(lower(sign(body)), body) == Delivery("Push Hook")
        return
    with pytest.raises(UnreadableError):
        read(lower(sign(body)), body)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"ref": "main"}', "ref must be refs/heads/"),
        (b"{}", "the field 'ref' is missing"),
        (b'{"ref": "refs/heads/main", "after": "abc"}', "a full id of 40 or 64 hex digits"),
    ],
)
def test_an_error_says_which_field_is_wrong(body: bytes, why: str) -> None:
    """Whoever wrote the sender reads it."""
    with pytest.raises(UnreadableError, match=why):
        read(lower(hooks.timed(body)), body)


@pytest.mark.parametrize("payload", ["", "other=1", "payload=", "payload=%FF", "payload=3&b=2&c=1"])
def test_a_form_that_cannot_be_read_is_an_error(payload: str) -> None:
    """As for JSON."""
    with pytest.raises(UnreadableError):
        read({}, payload.encode())
