"""The remote of a link, by url and credential: made, changed with edits, deleted when unused."""

from uuid import UUID

from django.db.models import QuerySet

from gitrepos.errors import SecretLostError
from gitrepos.forge.addresses import RepoURL, origin, stored
from gitrepos.links.sealed_secrets import refused, sealed, token_of
from gitrepos.models import GitCredential, Remote
from gitrepos.polling import schedule
from keeptrusts import statements
from keeptrusts.api.errors import ConflictError, FieldError, NotFoundError
from keeptrusts.database import insert
from keeptrusts.sealing import fingerprint
from keeptrusts.statements import BoundQuery


def shared(name: str) -> GitCredential | None:
    """The shared credential of a name; None for an empty one.

    Raises:
        FieldError: there is no such credential (`unknown`).
    """
    if not name:
        return None
    row = GitCredential.objects.filter(name=name).first()
    if row is None:
        raise FieldError("credential", f"there is no git credential {name!r}", code="unknown")
    return row


def remote_for(
    url: RepoURL, token: str, shared: GitCredential | None, *, locks: bool = False
) -> Remote:
    """The remote for a url and a credential; made for the first link.

    With `locks` nobody else has it until the transaction ends.

    Raises:
        FieldError: the credential is not for `url`, or is missing.
    """
    made = new(url, token, shared)
    find = _existing_locked if locks else _existing
    existing = find(url=url.text, credential=made.credential_digest)
    if not existing:
        insert([made])
    return existing[0] if existing else made


def _of_place(url: str, credential: str) -> QuerySet[Remote]:
    return Remote.objects.filter(url=url, credential_digest=credential)


_existing = statements.objects(_of_place, url=str, credential=str)
_existing_locked = statements.objects(
    lambda url, credential: _of_place(url, credential).select_for_update(),
    url=str,
    credential=str,
)


def new(url: RepoURL, token: str, shared: GitCredential | None) -> Remote:
    """Make the remote for a url and a credential, without saving it.

    Raises:
        FieldError: the credential is not for `url`, or is missing.
    """
    _check(url, token, shared)
    digest = str(shared.pk) if shared else fingerprint(token) if token else ""
    row = Remote(url=url.text, host=url.host, credential_digest=digest, shared=shared)
    row.credential = sealed(token, row)
    return row


def _check(url: RepoURL, token: str, shared: GitCredential | None) -> None:
    """Check that a token or credential may go to a url.

    Raises:
        FieldError: it may not, or it is missing.
    """
    if shared and (reason := refused(shared, url)):
        raise FieldError("credential", reason, code="not_for_this_url")
    if url.scheme == "ssh" and token:
        raise FieldError("access_token", "is for https; an ssh url takes a credential of kind ssh")
    if url.scheme == "ssh" and not shared:
        raise FieldError(
            "credential", "is required for an ssh url: the name of one of kind ssh", code="required"
        )


def moved(old: Remote, url: RepoURL | None, token: str | None, credential: str | None) -> Remote:
    """The remote after an edit: another row when url or credential differ.

    Raises:
        ConflictError: the stored token cannot be decrypted (`credential_unreadable`).
        FieldError: the credential does not exist, is not for the url, or is missing.
    """
    if url is None and token is None and credential is None:
        return old
    target = url or stored(old.url)
    if token is not None or credential is not None:
        return remote_for(target, token or "", shared(credential or ""))
    if old.shared:
        return remote_for(target, "", old.shared)
    return remote_for(target, _kept(old) if origin(target.text) == origin(old.url) else "", None)


def like(old: Remote, url: RepoURL) -> Remote:
    """The remote of a url with the credential of `old`, which has another spelling of that url.

    It is `old` itself, or is not saved.

    Raises:
        ConflictError: the stored token cannot be decrypted (`credential_unreadable`).
    """
    if old.url == url.text or origin(old.url) != origin(url.text):
        return old
    return new(url, "" if old.shared else _kept(old), old.shared)


def _kept(remote: Remote) -> str:
    try:
        return token_of(remote)
    except SecretLostError as exc:
        raise ConflictError(exc.code, exc.message) from exc


def of_link(link_id: UUID) -> Remote:
    """The remote of a link.

    Raises:
        NotFoundError: there is no such link.
    """
    found = _of_link(link=link_id)
    if not found:
        raise NotFoundError("git repo with this id")
    return found[0]


_of_link = statements.objects(lambda link: Remote.objects.filter(links=link), link=UUID)


def locking(link_id: UUID) -> BoundQuery[list[Remote]]:
    """The question that locks the remote of a link, of which there is none without the link."""
    return _locking.of(link=link_id)


_locking = statements.objects(
    lambda link: Remote.objects.select_for_update(of=("self",)).filter(links=link), link=UUID
)


def locked(*remotes: Remote) -> list[Remote]:
    """Lock remotes, in the order of their ids against deadlocks; returns their present rows."""
    return _locked(ids={remote.pk for remote in remotes})


_locked = statements.objects(
    lambda ids: Remote.objects.select_for_update().filter(pk__among=ids).order_by("pk"),
    ids=list[UUID],
)


def tidy(remote: Remote) -> None:
    """Reschedule a remote after an edit of its links, or delete it when it has none."""
    if remote.links.exists():
        schedule.reschedule(remote)
    else:
        remote.delete()
