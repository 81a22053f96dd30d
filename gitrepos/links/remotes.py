"""The remote that a link hangs on: the row of its url and credential, made, left and removed."""

from uuid import UUID

from gitrepos.errors import SecretLostError
from gitrepos.forge.addresses import RepoURL, origin, stored
from gitrepos.links.sealed_secrets import refused, sealed, token_of
from gitrepos.models import GitCredential, Remote
from gitrepos.polling import claims
from keeptrusts.api.errors import ConflictError, FieldError, NotFoundError
from keeptrusts.sealing import fingerprint


def shared(name: str) -> GitCredential | None:
    if not name:
        return None
    row = GitCredential.objects.filter(name=name).first()
    if row is None:
        raise FieldError("credential", f"there is no git credential {name!r}", code="unknown")
    return row


def remote_for(url: RepoURL, token: str, shared: GitCredential | None) -> Remote:
    """The row that polls `url` with a credential; made when it is the first link to it."""
    made = new(url, token, shared)
    found = Remote.objects.filter(url=url.text, credential_digest=made.credential_digest).first()
    if found is None:
        made.save(force_insert=True)
    return found or made


def new(url: RepoURL, token: str, shared: GitCredential | None) -> Remote:
    _check(url, token, shared)
    digest = str(shared.pk) if shared else fingerprint(token) if token else ""
    row = Remote(url=url.text, host=url.host, credential_digest=digest, shared=shared)
    row.credential = sealed(token, row)
    return row


def _check(url: RepoURL, token: str, shared: GitCredential | None) -> None:
    """Raises: `FieldError` when what proves a link is not for its url."""
    if shared and (reason := refused(shared, url)):
        raise FieldError("credential", reason, code="not_for_this_url")
    if url.scheme == "ssh" and token:
        raise FieldError("access_token", "is for https; an ssh url takes a credential of kind ssh")
    if url.scheme == "ssh" and not shared:
        raise FieldError(
            "credential", "is required for an ssh url: the name of one of kind ssh", code="required"
        )


def moved(old: Remote, url: RepoURL | None, token: str | None, credential: str | None) -> Remote:
    """The remote after an edit: another row as soon as url or credential differ."""
    if url is None and token is None and credential is None:
        return old
    target = url or stored(old.url)
    if token is not None or credential is not None:
        return remote_for(target, token or "", shared(credential or ""))
    if old.shared:
        return remote_for(target, "", old.shared)
    return remote_for(target, _kept(old) if origin(target.text) == origin(old.url) else "", None)


def _kept(remote: Remote) -> str:
    try:
        return token_of(remote)
    except SecretLostError as exc:
        raise ConflictError(exc.code, exc.message) from exc


def of_link(link_id: UUID) -> Remote:
    row = Remote.objects.filter(links=link_id).first()
    if row is None:
        raise NotFoundError("git repo with this id")
    return row


def locked(*remotes: Remote) -> list[Remote]:
    """The rows as they are now, locked against workers, and in one order against deadlock."""
    rows = Remote.objects.select_for_update().filter(pk__in={remote.pk for remote in remotes})
    return list(rows.order_by("pk"))


def tidy(remote: Remote) -> None:
    if remote.links.exists():
        claims.reschedule(remote)
    else:
        remote.delete()
