"""Reading links, their files and syncs, and git credentials: rows as plain dicts, and lists."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from configurations.models import Configuration
from configurations.queries import refused_by_owner
from configurations.seen import ALL, Seen
from gitrepos import refs
from gitrepos.links import client_certificates, listed, narrowing, ssh_keys
from gitrepos.links.conditions import REFUSED, STATUSES, conditions, warning, with_status
from gitrepos.links.listed import Listed
from gitrepos.links.sealed_secrets import INSTALLED
from gitrepos.models import CredentialKind, GitCredential, Link, LinkedFile, SyncRun
from gitrepos.polling import hosts
from keeptrusts import statements
from keeptrusts.api.errors import NotFoundError
from keeptrusts.api.lists.filters import among, between, equal
from keeptrusts.api.lists.listing import MOST_OF_LOG, PAGE_OF_LOG, Filter
from keeptrusts.api.lists.table import Table
from keeptrusts.api.parameters import flag, text, words
from keeptrusts.database import Columns, Statement, as_rows

Row = Mapping[str, Any]
Raw = dict[str, Any]

_LINK = (
    "id", "url", "follows", "branch", "tag", "commit", "semver", "path",
    "auto_create_configuration", "adopt", "poll_interval_seconds",
    "webhook_poll_interval_seconds", "suspended", "four_eyes", "fail_on",
    "minimum_coverage", "minimum_killed", "broken_glass", "id_prefix", "include", "exclude",
    "prune", "allowed_signers", "allowed_openpgp_keys",
    "has_access_token", "credential", "credential_expires_at", "credential_expiring",
    "has_webhook_secret", "webhook_url", "generation", "status", "observed_generation",
    "conditions", "last_commit", "last_tag", "last_polled_at", "next_poll_at", "last_synced_at",
    "last_delivery_at", "error", "held", "files", "created_at", "updated_at",
)  # fmt: skip
_FILE = (
    "path", "configuration", "renamed_from", "outcome", "content_hash", "blob", "findings",
    "updated_at",
)  # fmt: skip
_RUN = (
    "id", "trigger", "from_commit", "to_commit", "error", "files", "occurrences", "trace_id",
    "started_at", "finished_at",
)  # fmt: skip
_STORED_RUN = (*(name for name in _RUN if name != "error"), "error_code", "error_message")
_CREDENTIAL = (
    "id", "name", "kind", "hosts", "username", "authorization", "known_hosts", "public_key",
    "fingerprint", "client_certificate", "client_certificate_expires_at", *INSTALLED,
    "expires_at", "expiring", "git_repos", "created_at", "updated_at",
)  # fmt: skip
_READ = ("fingerprint", "client_certificate_expires_at", "git_repos")
_STORED_CREDENTIAL = tuple(name for name in _CREDENTIAL if name not in _READ)


@dataclass(frozen=True, slots=True)
class OfLink:
    """A link whose files or syncs are listed, for whoever sees this."""

    link_id: UUID
    seen: Seen


def link(link_id: UUID, seen: Seen = ALL) -> Row:
    """One link.

    Raises:
        NotFoundError: there is none that is seen.
    """
    try:
        columns = (
            Statement(_of(link_id, seen)).columns() if seen.is_narrowed else _entire(pk=link_id)
        )
    except EmptyResultSet:  # Nothing is seen.
        return _one((), "git repo with this id")
    return _one(_shown_links(columns, seen), "git repo with this id")


def _of(pk: UUID, seen: Seen = ALL) -> QuerySet[Any, dict[str, Any]]:
    return listed.columns(with_status(_links(seen).filter(pk=pk)))


_entire = statements.columns(_of, pk=UUID)


def check_seen(link_id: UUID, seen: Seen) -> None:
    """Check that there is a link with this id that is seen.

    Raises:
        NotFoundError: there is none.
    """
    if not _links(seen).filter(pk=link_id).exists():
        raise NotFoundError("git repo with this id")


def credential(credential_id: UUID, seen: Seen = ALL) -> Row:
    """One git credential, without its secrets.

    Raises:
        NotFoundError: there is none that is seen.
    """
    rows = _credential_columns(_credentials(seen).filter(pk=credential_id))
    return _one(_shown_credentials(list(rows), seen), "git credential with this id")


def _one(rows: Iterable[Row], what: str) -> Row:
    for row in rows:
        return row
    raise NotFoundError(what)


def _links(seen: Seen) -> QuerySet[Link]:
    return Link.objects.filter(narrowing.links(seen))


def _shown_links(columns: Columns, seen: Seen) -> Sequence[Row]:
    """Links with their conditions as of now.

    A host rests for failures of any link, so that its trouble is told to who sees all alone.
    """
    now = timezone.now()
    refused = refused_by_owner(seen) if listed.any_refused(columns) else {}
    is_resting = listed.any_trouble(columns) and not seen.is_narrowed
    resting = hosts.troubles(now) if is_resting else {}
    rows = listed.links(columns)
    if seen.is_narrowed:
        rows = narrowing.trim(rows, seen)
        columns = listed.columns_of(rows)
    troubles = [hosts.trouble_of(row, resting, now) for row in rows]
    told = [
        conditions(row, now, trouble, refused.get(row.key))
        for row, trouble in zip(rows, troubles, strict=True)
    ]
    errors = [_error(row, trouble) for row, trouble in zip(rows, troubles, strict=True)]
    return as_rows(_link_columns(columns, rows, told, errors))


def _error(row: Listed, trouble: hosts.Trouble | None) -> Row | None:
    """The link's own error, else the reason why its due remote is not polled."""
    if row.error_code:
        return {"code": row.error_code, "message": row.error_message}
    return None if row.suspended else trouble


def _link_columns(
    columns: Columns, rows: Sequence[Listed], told: Sequence[Any], errors: Sequence[Row | None]
) -> Columns:
    # Relative to the url under which the forge reaches this API.
    webhooks = [f"/v1/git-repos/{key}/webhook" for key in columns["key"]]
    return {
        "id": columns["key"],
        "url": columns["url"],
        "follows": [refs.form(row) for row in rows],
        "branch": columns["branch"],
        "tag": columns["tag"],
        "commit": columns["commit"],
        "semver": columns["semver"],
        "path": columns["path"],
        "auto_create_configuration": columns["auto_create_configuration"],
        "adopt": columns["adopt"],
        "poll_interval_seconds": columns["poll_interval_seconds"],
        "webhook_poll_interval_seconds": columns["webhook_poll_interval_seconds"],
        "suspended": columns["suspended"],
        "four_eyes": columns["four_eyes"],
        "fail_on": columns["fail_on"],
        "minimum_coverage": columns["minimum_coverage"],
        "minimum_killed": columns["minimum_killed"],
        "broken_glass": columns["broken_glass"],
        "id_prefix": columns["id_prefix"],
        "include": columns["include"],
        "exclude": columns["exclude"],
        "prune": columns["prune"],
        "allowed_signers": columns["allowed_signers"],
        "allowed_openpgp_keys": columns["allowed_openpgp_keys"],
        "has_access_token": columns["has_access_token"],
        "credential": columns["credential"],
        "credential_expires_at": columns["credential_expires_at"],
        "credential_expiring": list(map(bool, columns["credential_expiring"])),
        "has_webhook_secret": columns["has_webhook_secret"],
        "webhook_url": webhooks,
        "generation": columns["generation"],
        "status": columns["status"],
        "observed_generation": columns["observed_generation"],
        "conditions": told,
        "last_commit": [commit or None for commit in columns["last_commit"]],
        "last_tag": [refs.tag_of(ref) or None for ref in columns["last_ref"]],
        "last_polled_at": columns["last_polled_at"],
        "next_poll_at": columns["next_poll_at"],
        "last_synced_at": columns["last_synced_at"],
        "last_delivery_at": columns["last_delivery_at"],
        "error": errors,
        "held": columns["held"],
        "files": columns["counts"],
        "created_at": columns["created_at"],
        "updated_at": columns["updated_at"],
    }


def _shown_files(raws: Sequence[Raw], scope: OfLink) -> list[Raw | None]:
    return narrowing.files(raws, scope.seen)


def _shown_runs(raws: Sequence[Raw], scope: OfLink) -> list[Row | None]:
    return [raw and _run(raw) for raw in narrowing.runs(raws, scope.seen)]


def _run(raw: Raw) -> Row:
    code, message = raw["error_code"], raw["error_message"]
    error = {"code": code, "message": message} if code else None
    return {name: error if name == "error" else raw[name] for name in _RUN}


def _credentials(seen: Seen) -> QuerySet[Any, Any]:
    """Credentials with the number of links that use them; only those of links that are seen."""
    links = narrowing.links(seen, "remotes__links")
    rows = GitCredential.objects.annotate(git_repos=Count("remotes__links", filter=links or None))
    return rows.filter(git_repos__gt=0) if seen.is_narrowed else rows


def _credential_columns(rows: QuerySet[Any, Any]) -> QuerySet[Any, Raw]:
    return rows.values(*_STORED_CREDENTIAL, "git_repos")


def _shown_credentials(raws: Sequence[Raw], _seen: Seen) -> list[Row]:
    return [_credential(raw) for raw in raws]


def _credential(raw: Raw) -> Row:
    key, chain = raw["public_key"], raw["client_certificate"]
    # Of an App's key no more is kept than its fingerprint.
    is_app = raw["kind"] == CredentialKind.APP
    read = {
        "public_key": "" if is_app else key,
        "fingerprint": key if is_app or not key else ssh_keys.fingerprint(key),
        "client_certificate_expires_at": client_certificates.ends_at(chain) if chain else None,
    }
    return {name: read[name] if name in read else raw[name] for name in _CREDENTIAL}


def _following(forms: Sequence[str]) -> Q:
    chosen = Q(pk__in=())
    for form in forms:
        one = Q(tag="", commit="", semver="") if form == "branch" else ~Q(**{form: ""})
        chosen |= one
    return chosen


def _refused_files(wanted: bool, seen: Seen) -> Q:
    if seen.is_narrowed:  # Files may be of configurations that are not seen.
        return Q() if not wanted else Q(pk__in=())
    refused = Q(pk__in=LinkedFile.objects.filter(outcome__in=REFUSED).values("link"))
    return refused if wanted else ~refused


def _feeding(configuration_id: str) -> Q:
    owners = Configuration.objects.filter(pk=configuration_id).exclude(owner="")
    return Q(pk__in=[UUID(owner) for owner in owners.values_list("owner", flat=True)])


def _feeding_what_is_seen(configuration_id: str, seen: Seen) -> Q:
    return _feeding(configuration_id) if configuration_id in seen else Q(pk__in=())


LINKS: Table[Seen] = Table(
    name="git-repos",
    is_constant=lambda seen: not seen.is_narrowed,
    members=_LINK,
    rows=lambda seen: with_status(_links(seen)),
    values=listed.columns,
    formed=_shown_links,
    sorts={
        "created_at": "created_at", "updated_at": "updated_at", "url": "url",
        "last_synced_at": "last_synced_at",
    },
    nullable=("last_synced_at",),
    sort="created_at",
    searched=("id", "url", "path"),
    filters=(
        among("status", "Links of these statuses.", known=STATUSES),
        Filter(
            flag("warning", "Those with a warning, or the others.", default=None),
            lambda value, seen: warning(value, seen),
        ),
        Filter(
            flag(
                "files_refused",
                "Those of whose files some are not in force as in git, or the others.",
                default=None,
            ),
            _refused_files,
        ),
        Filter(
            words("follows", "Links that follow one of these.", known=refs.FORMS, default=None),
            lambda value, _: _following(value),
        ),
        equal("url", "Links of this url."),
        Filter(
            text("configuration", "The link that feeds this configuration."),
            _feeding_what_is_seen,
        ),
        equal(
            "credential", "Links with the shared credential of this name.",
            column="remote__shared__name",
        ),
    ),
)  # fmt: skip

FILES: Table[OfLink] = Table(
    name="files",
    members=_FILE,
    rows=lambda scope: LinkedFile.objects.filter(link=scope.link_id),
    values=lambda rows: rows.values(*_FILE),
    shown=_shown_files,
    drops=lambda scope: scope.seen.is_narrowed,
    sorts={"path": "path", "configuration": "configuration", "updated_at": "updated_at"},
    sort="path",
    searched=("path", "configuration"),
    filters=(
        among("outcome", "Files of these outcomes.", known=LinkedFile.Outcome.values),
        equal("configuration", "Files that name this configuration."),
    ),
)  # fmt: skip

SYNCS: Table[OfLink] = Table(
    name="syncs",
    members=_RUN,
    rows=lambda scope: SyncRun.objects.filter(link=scope.link_id),
    values=lambda rows: rows.values(*_STORED_RUN),
    shown=_shown_runs,
    drops=lambda scope: scope.seen.is_narrowed,
    sorts={"started_at": "pk"},
    sort="-started_at",
    page_size=PAGE_OF_LOG,
    most=MOST_OF_LOG,
    searched=("from_commit", "to_commit"),
    filters=(
        among("trigger", "Syncs that these began.", known=SyncRun.Trigger.values),
        Filter(
            flag("failed", "Those that failed, or the others.", default=None),
            lambda value, _: ~Q(error_code="") if value else Q(error_code=""),
        ),
        *between("started_at"),
    ),
)

CREDENTIALS: Table[Seen] = Table(
    name="git-credentials",
    is_constant=lambda seen: not seen.is_narrowed,
    members=_CREDENTIAL,
    rows=_credentials,
    values=_credential_columns,
    shown=_shown_credentials,
    sorts={"name": "name", "created_at": "created_at", "expires_at": "expires_at"},
    nullable=("expires_at",),
    sort="name",
    searched=("id", "name"),
    filters=(among("kind", "Credentials of these kinds.", known=CredentialKind.values),),
)
