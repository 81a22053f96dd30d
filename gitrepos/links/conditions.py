"""The status and conditions of a link, with what to do about them.

`Ready`, `Reconciling` and `Stalled` have the meanings of Kubernetes' kstatus: in force as git has
it; on the way there without help; waiting for a person. `Warning` is added: a configuration stays
in force that the present rules would refuse, the commit has objects that fail a check of git's
which harms nobody here, or tests in its files were not run.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

import orjson
from django.db.models import (
    BooleanField,
    Case,
    CharField,
    ExpressionWrapper,
    F,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import Cast, Replace

from configurations import queries
from configurations.models import Configuration
from configurations.requests.queries import broken
from configurations.seen import ALL, Seen
from gitrepos import errors, refs
from gitrepos.links.listed import Listed
from gitrepos.models import NO_POLICY_FILES, Link

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

CHECKS_LET_OFF, BROKEN_GLASS = "checks_let_off", "broken_glass"
CASES_NOT_RUN = "cases_not_run"
STATUSES = ("suspended", "pending", "held", "stalled", "error", "synced")

_FAILED = ~Q(error_code__in=["", NO_POLICY_FILES])
_STATUS = Case(
    When(suspended=True, then=Value("suspended")),
    When(observed_generation__lt=F("generation"), then=Value("pending")),
    When(held__isnull=False, then=Value("held")),
    When(_FAILED & (Q(settled=True) | Q(remote__stalled=True)), then=Value("stalled")),
    When(_FAILED, then=Value("error")),
    default=Value("synced"),
    output_field=CharField(),
)

_REASONS: Mapping[str, str] = {
    NO_POLICY_FILES: "Add a policy-config.yaml, or change `path`.",
    "files_refused": "`kt repos show {id}`, or `GET /v1/git-repos/{id}/files`, says which and why.",
    queries.REFUSED_CODE: (
        "Mend these files in git; `GET /v1/configurations` says where and why in `warning`."
    ),
    CHECKS_LET_OFF: (
        "Nothing needs to be done; whoever rewrites these objects in git ends the warning."
    ),
    CASES_NOT_RUN: (
        "Run them where the model is, by `kt policy test --model NAME=FILE`;"
        " `GET /v1/git-repos/{id}/files` says which."
    ),
    BROKEN_GLASS: (
        "`GET /v1/requests?state=waiting` says who and why; somebody else looks at that and"
        " confirms it, which is also how it ends once it was changed back."
    ),
    "held": (
        "Look at the held commit; confirm it (`POST /v1/git-repos/{id}/confirm` with"
        ' `{"commit": "{commit}"}`), or change it in git.'
    ),
    "suspended": "Set `suspended` to false to resume.",
}
ACTIONS: Mapping[str, str] = {
    **{code: kind.remedy for code, kind in errors.by_code().items()},
    **_REASONS,
}
"""What to do, by the error's code or the reason of a condition.

A link's own says its id for `{id}`, and for `{commit}` the one that it holds.
"""

REFUSED = ("quarantined", "conflict", "unlinked", "missing")
_NAMED = 5

# As it is encoded, or ready for that.
Condition = dict[str, Any] | orjson.Fragment
Conditions = list[Condition] | orjson.Fragment
_Told = dict[str, Any] | None


class _Status(TypedDict):
    status: str
    broken_glass: bool


LinkWithStatus: TypeAlias = "WithAnnotations[Link, _Status]"


def with_status(rows: QuerySet[Link]) -> QuerySet[LinkWithStatus]:
    """The links with the `status` and the remote of each.

    `broken_glass`: an admin changed them, or what they feed, alone.
    """
    links = rows.select_related("remote__shared").annotate(status=_STATUS)
    return links.alias(hex=_hex("pk")).annotate(broken_glass=_glass())


def warning(wanted: bool, seen: Seen = ALL) -> Q:
    """The links of `with_status` whose condition `Warning` is true; or with False the others."""
    owners = queries.refused(seen).exclude(owner="").values(hex=_hex("owner"))
    # What else warns may tell of configurations that are not seen.
    own = ~Q(let_off="") | Q(broken_glass=True) | Q(cases_not_run__gt=0)
    others = Q() if seen.is_narrowed else own
    feeding = Q(hex__in=owners) | others
    return feeding if wanted else ~feeding


def conditions(
    link: Listed,
    now: datetime,
    trouble: Mapping[str, str] | None = None,
    refused: Mapping[str, datetime] | None = None,
) -> Conditions:
    """The four conditions of a link from `with_status`, or these encoded.

    `trouble` is the reason why its remote is not polled: code and message. `refused` are the
    configurations it feeds that would be refused now, each with the time since when.
    """
    since = orjson.dumps(link.last_synced_at, option=orjson.OPT_UTC_Z)
    if not trouble and not refused and _is_as_most(link):
        return orjson.Fragment(_AS_MOST % (orjson.dumps(_synced(link)), *[since] * len(_KINDS)))
    found = (
        _ready(link), _reconciling(link, now, trouble), _stalled(link), _warning(link, refused),
    )  # fmt: skip
    return [
        _no(kind, since) if told is None else _filled(told, link)
        for kind, told in zip(_KINDS, found, strict=True)
    ]


def _is_as_most(link: Listed) -> bool:
    """Whether all there is to say of a link, but for its remote and the rules, is its commit.

    Most are such: what is told of them is encoded here at once, a third of the time of a list.
    """
    return not (
        link.status != "synced"
        or link.error_code
        or link.broken_glass
        or link.let_off
        or link.cases_not_run
        or link.expected_commit
        or link.waits_since is not None
        or link.requested_seq > link.served_seq
        or _refused(link.counts)
    )


def _filled(told: dict[str, Any], link: Listed) -> dict[str, Any]:
    if told["action"] is not None:
        action, held = told["action"].replace("{id}", link.key), link.held or {}
        told["action"] = action.replace("{commit}", held.get("commit", ""))
    return told


def _glass() -> "ExpressionWrapper[Q]":
    own = broken("git_repo").annotate(hex=_hex("target")).values("hex")
    changed = broken("configuration").values("target")
    fed = Configuration.objects.filter(pk__in=changed).exclude(owner="").values(hex=_hex("owner"))
    concerned = Q(hex__in=own) | Q(hex__in=fed)
    return ExpressionWrapper(concerned, output_field=BooleanField())


def _hex(name: str) -> Replace:
    """A link's id without dashes: SQLite has them in one table, and not in the other."""
    return Replace(Cast(name, CharField()), Value("-"), Value(""))


def _ready(link: Listed) -> dict[str, Any]:
    if link.status == "pending":
        message = "An edit or a new link waits for its first sync."
        return _condition("Ready", "Unknown", "pending", message, link.updated_at)
    if link.status in ("suspended", "held"):
        return _of_person("Ready", "False", link, link.status)
    if link.status in ("stalled", "error"):
        return _of_error("Ready", "False", link)
    if link.error_code:
        return _of_error("Ready", "True", link)
    if told := _refused(link.counts):
        message = f"Files not in force as in git: {told}; what was in force stays in force."
        return _condition("Ready", "True", "files_refused", message, link.last_synced_at)
    return _condition("Ready", "True", "synced", _synced(link), link.last_synced_at)


def _synced(link: Listed) -> str:
    tag = refs.tag_of(link.last_ref)
    message = f"Commit {link.last_commit}{f' of tag {tag}' if tag else ''} is synced."
    if pinned := link.counts.get("pinned"):
        message += f" {_files(pinned)} pinned: other versions stay in force."
    return message


def _files(count: int) -> str:
    return "1 of its files is" if count == 1 else f"{count} of its files are"


def _refused(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[one]} {one}" for one in REFUSED if counts.get(one))


def _reconciling(link: Listed, now: datetime, trouble: Mapping[str, str] | None) -> _Told:
    if link.status == "suspended":
        return None
    if trouble:
        due_at = link.next_poll_at
        return _condition("Reconciling", "True", trouble["code"], trouble["message"], due_at)
    if link.expected_commit and link.expected_until and link.expected_until > now:
        message = f"A webhook announced commit {link.expected_commit}; the forge is polled for it."
        return _condition("Reconciling", "True", "announced", message, link.last_delivery_at)
    if link.waits_since is not None:
        message = "A poll found news; the sync waits until a worker is free and its turn comes."
        return _condition("Reconciling", "True", "queued", message, link.waits_since)
    if link.status == "pending" or link.requested_seq > link.served_seq:
        message = "A sync is due."
        return _condition("Reconciling", "True", "due", message, link.next_poll_at)
    return _of_error("Reconciling", "True", link) if link.status == "error" else None


def _stalled(link: Listed) -> _Told:
    if link.status == "held":
        return _of_person("Stalled", "True", link, link.status)
    return _of_error("Stalled", "True", link) if link.status == "stalled" else None


def _warning(link: Listed, refused: Mapping[str, datetime] | None) -> _Told:
    if link.broken_glass:
        return _broken(link)
    if not refused:
        return _let_off(link) if link.let_off else _left_out(link)
    named = ", ".join(list(refused)[:_NAMED]) + (", …" if len(refused) > _NAMED else "")
    message = (
        f"The present rules would refuse {len(refused)} of the configurations it feeds; these stay"
        f" in force: {named}."
    )
    return _condition("Warning", "True", queries.REFUSED_CODE, message, min(refused.values()))


def _broken(link: Listed) -> dict[str, Any]:
    message = "An admin changed it, or what it feeds, alone; nobody else has confirmed that."
    return _condition("Warning", "True", BROKEN_GLASS, message, link.updated_at)


def _let_off(link: Listed) -> dict[str, Any]:
    message = (
        f"The commit has objects that fail checks of git ({link.let_off}); they were let off, since"
        " they harm nobody who reads files without a checkout."
    )
    return _condition("Warning", "True", CHECKS_LET_OFF, message, link.last_synced_at)


def _left_out(link: Listed) -> _Told:
    if not link.cases_not_run:
        return None
    message = (
        f"Tests in its files that were not run, and so did not pass: {link.cases_not_run}. They"
        " need a model, which a control plane does not have."
    )
    return _condition("Warning", "True", CASES_NOT_RUN, message, link.last_synced_at)


def _of_error(kind: str, status: str, link: Listed) -> dict[str, Any]:
    since = link.error_since or link.last_synced_at
    return _condition(kind, status, link.error_code, link.error_message, since)


def _of_person(kind: str, status: str, link: Listed, why: str) -> dict[str, Any]:
    if why == "held":
        held = link.held or {}
        return _condition(kind, status, "held", held["message"], held["since"])
    return _condition(kind, status, "suspended", "The link is suspended.", link.updated_at)


def _condition(
    kind: str, status: str, reason: str, message: str, since: datetime | str | None
) -> dict[str, Any]:
    return {
        "type": kind,
        "status": status,
        "reason": _camel_case(reason),
        "message": message,
        "since": since,
        "action": ACTIONS.get(reason) if kind != "Reconciling" else None,
    }


def _no(kind: str, since: bytes) -> orjson.Fragment:
    """A condition that is not there, since a time that is encoded.

    Most are such; each takes a tenth of the time of a dictionary that is encoded.
    """
    return orjson.Fragment(_NO[kind] % since)


@lru_cache(maxsize=128)
def _camel_case(reason: str) -> str:
    return "".join(word.capitalize() for word in reason.split("_"))


_KINDS = ("Ready", "Reconciling", "Stalled", "Warning")
_NO = {
    kind: orjson.dumps(_condition(kind, "False", "", "", "%s")).replace(b'"%s"', b"%s")
    for kind in _KINDS
}
_READY = orjson.dumps(_condition("Ready", "True", "synced", "%b", "%b")).replace(b'"%b"', b"%b")
_AS_MOST = b"[%s]" % b",".join([_READY, *(_NO[kind] for kind in _KINDS[1:])])
