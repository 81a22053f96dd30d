"""The id of a configuration, from the places that may name it."""

from __future__ import annotations

from kt.lazy import TYPE_CHECKING
from kt.policy.language.forms import FORMS, is_id, slug
from kt.policy.report import Pack
from kt.policy.rules.base import Spot
from kt.policy.rules.pack import NoIdentity
from kt.policy.words import quoted

if TYPE_CHECKING:
    from kt.policy.findings import Finding


def identify(pack: Pack, *, directory: str | None = None, stem: str | None = None) -> str | Finding:
    """The id of a configuration, or the finding that says why it has none.

    The first that is there counts: `pack.id`; `directory`, the name of the directory that holds
    a file called `policy-config.yaml`; `stem`, the name without ending of a single linked file
    called otherwise; a slug of `pack.name`. Give `directory` or `stem`; give neither
    for a file at the root of a repository or one that is not in git.

    An id, a directory's name and a stem are taken as they are or refused; only `pack.name`
    is changed into a slug.
    """
    for what, name in (
        ("pack.id", pack.id),
        ("the directory's name", directory),
        ("the file's name", stem),
    ):
        if name is not None:
            return name if is_id(name) else _refused(what, name)
    return slug(pack.name or "") or _nameless(pack.name)


def _refused(what: str, name: str) -> Finding:
    path = "pack.id" if what == "pack.id" else ""
    message = f"{what} {quoted(name)} is not {FORMS['id'].words}"
    fix = "mend it" if path else "rename it, or write pack.id"
    return NoIdentity.at(Spot(), path, message, fix)


def _nameless(name: str | None) -> Finding:
    source = f"from pack.name {quoted(name)}" if name else "without pack.name"
    return NoIdentity.at(Spot(), "pack.id", f"no id can be made {source}", "write pack.id")
