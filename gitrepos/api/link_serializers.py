"""Serializers of links, their files and syncs."""

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework import serializers

from gitrepos import refs
from gitrepos.forge.addresses import (
    NOT_ALLOWED,
    BadURLError,
    RepoURL,
    is_allowed,
    literal_address,
    parse,
)
from gitrepos.snapshot import globs, openpgp, signatures
from gitrepos.webhooks import forges
from keeptrusts.api.fields import Choice, Flag, Input, Text, Whole
from kt.policy.language.forms import FORMS, is_id

_MAX_GLOBS = 50
_MAX_INTERVAL_SECONDS = 7 * 86_400
# Control characters, and those that break or reverse a line for some readers.
_HIDING = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


class URL(Text):
    """A repository's url, without token, query and fragment; a user with ssh alone."""

    def to_internal_value(self, data: Any) -> RepoURL:  # type: ignore[override]
        try:
            url = parse(super().to_internal_value(data), schemes=settings.ENV.git_schemes)
        except BadURLError as exc:
            raise serializers.ValidationError(str(exc)) from exc
        address = literal_address(url.host)
        if address and not is_allowed(address, settings.ENV.git_allowed_networks):
            raise serializers.ValidationError(
                f"leads to {address}, which is not a public address; an operator allows it"
                " with KEEPTRUSTS_GIT_ALLOWED_NETWORKS",
                code=NOT_ALLOWED,
            )
        return url


class Globs(serializers.ListField):
    """Globs of paths under `path`, as git's `:(glob)` pathspecs from the repository's root."""

    child = Text(max_length=200)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=_MAX_GLOBS, **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        values: list[str] = super().to_internal_value(data)
        if wrong := [why for glob in values if (why := globs.problem(glob))]:
            raise serializers.ValidationError(f"a glob {wrong[0]}")
        return values


class Ref(Text):
    """One form of what a link follows; empty or null for not this form."""

    def __init__(self, form: str, **kwargs: Any) -> None:
        super().__init__(required=False, allow_blank=True, allow_null=True, **kwargs)
        self._form = form

    def run_validation(self, data: Any = serializers.empty) -> str:
        value: str = super().run_validation(data) or ""
        value = value.lower() if self._form == "commit" else value
        allowed = settings.ENV.git_allowed_refs
        if value and (why := refs.problem(self._form, value, allowed)):
            raise serializers.ValidationError(why)
        return value


class Asked(Input):
    """The body of `PATCH /v1/git-repos/{id}`."""

    called = "GitRepoEdit"
    json_schema: Mapping[str, Any] = {"minProperties": 1}

    url = URL(required=False)
    repo_url = URL(required=False, help_text="The same as `url`, by another name.")
    branch = Ref("branch", max_length=200)
    tag = Ref("tag", max_length=200)
    commit = Ref("commit", max_length=64)
    semver = Ref("semver", max_length=200)
    path = Text(
        max_length=1000,
        required=False,
        allow_blank=True,
        help_text="A directory or one file; empty: the whole repository.",
    )
    auto_create_configuration = Flag(
        required=False, help_text="Make a configuration for an id that is new."
    )
    adopt = Flag(required=False, help_text="Take over configurations that the API made.")
    poll_interval_seconds = Whole(
        required=False,
        min_value=1,
        max_value=_MAX_INTERVAL_SECONDS,
        help_text="Under the floor of this installation it is raised, and `notices` says so.",
    )
    webhook_poll_interval_seconds = Whole(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=_MAX_INTERVAL_SECONDS,
        help_text="The interval while webhooks come; not less than the other.",
    )
    webhook_secret = Text(
        max_length=200,
        required=False,
        allow_null=True,
        allow_blank=True,
        json_schema={"pattern": "^[!-~]{16,}$"},
        help_text="Never shown; null removes it.",
    )
    suspended = Flag(required=False, help_text="No polling while true.")
    four_eyes = Flag(required=False, help_text="Held commits and edits need a second person.")
    fail_on = Choice(
        ["", "weaker"],
        required=False,
        allow_blank=True,
        help_text="`weaker`: a commit that weakens what is in force is held.",
    )
    minimum_coverage = Whole(
        required=False,
        min_value=0,
        max_value=100,
        help_text="Percent of a policy that its own tests reach at least, or it is quarantined.",
    )
    minimum_killed = Whole(
        required=False,
        min_value=0,
        max_value=100,
        help_text="Percent of its mutants that its own tests kill at least, or it is quarantined.",
    )
    id_prefix = Text(
        max_length=100,
        required=False,
        allow_blank=True,
        json_schema={"pattern": f"^{FORMS['id'].pattern}$"},
        help_text="Stands before every id that a file names.",
    )
    include = Globs(required=False)
    exclude = Globs(required=False)
    prune = Flag(required=False, help_text="Archive a configuration whose file is gone.")
    access_token = Text(
        max_length=4000,
        required=False,
        allow_null=True,
        allow_blank=True,
        json_schema={"pattern": "^[!-~]*$"},
        help_text="Never shown; null removes it.",
    )
    allowed_signers = Text(
        max_length=65_536,
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="Who must have signed the head, in OpenSSH's format; null: anybody.",
    )
    allowed_openpgp_keys = Text(
        max_length=openpgp.MAX_LENGTH,
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="The same for OpenPGP keys, ASCII-armoured; null: none.",
    )
    credential = Text(
        max_length=100,
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="The name of a shared credential; null removes it.",
    )

    def validate_path(self, value: str) -> str:
        if _HIDING.search(value) or ".." in value.split("/"):
            raise serializers.ValidationError(
                "must be a path inside the repository, without '..' and control characters"
            )
        return value

    def validate_id_prefix(self, value: str) -> str:
        if value and not is_id(value):
            raise serializers.ValidationError(f"must be {FORMS['id'].words}")
        return value

    def validate_access_token(self, value: str | None) -> str:
        if value and re.search(r"[^\x21-\x7e]", value):
            raise serializers.ValidationError("must be printable ASCII without spaces")
        return value or ""

    def validate_allowed_signers(self, value: str | None) -> str:
        if not value:
            return ""
        try:
            signatures.check(value)
        except ValueError as exc:
            raise serializers.ValidationError(str(exc)) from exc
        return value

    def validate_allowed_openpgp_keys(self, value: str | None) -> str:
        if not value:
            return ""
        try:
            openpgp.check(value)
        except ValueError as exc:
            raise serializers.ValidationError(str(exc)) from exc
        return value

    def validate_credential(self, value: str | None) -> str:
        return value or ""

    def validate_webhook_secret(self, value: str | None) -> str:
        if value and not re.fullmatch(r"[\x21-\x7e]{16,}", value):
            raise serializers.ValidationError(
                "must be 16 or more characters of printable ASCII without spaces"
            )
        if value and not forges.is_usable(value):
            raise serializers.ValidationError(
                "begins with whsec_, so the rest must be base64 of 16 or more bytes, as the forge"
                " shows it; choose another beginning for a secret that is none"
            )
        return value or ""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("names nothing to change")
        if attrs.get("access_token") and attrs.get("credential"):
            raise serializers.ValidationError({"credential": ["comes with access_token; send one"]})
        alias = attrs.pop("repo_url", None)
        if alias is not None and attrs.setdefault("url", alias) != alias:
            raise serializers.ValidationError({"repo_url": ["differs from url; send one"]})
        return attrs | _only_one(attrs)


def _only_one(attrs: Mapping[str, Any]) -> dict[str, str]:
    """The other forms of what a link follows, emptied; none where no form is given.

    Raises:
        ValidationError: two are given.
    """
    given = [form for form in refs.FORMS if attrs.get(form)]
    if len(given) > 1:
        raise serializers.ValidationError({given[1]: [f"comes with {given[0]}; send one"]})
    return {form: "" for form in refs.FORMS if given and form not in given}


class NewLink(Asked):
    """The body of `POST /v1/git-repos`.

    The interval has its default here, so that the lowest one allowed applies to it as well.
    """

    called = "GitRepoInput"

    poll_interval_seconds = Whole(default=300, min_value=1, max_value=_MAX_INTERVAL_SECONDS)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.keys() & {"url", "repo_url"}:
            raise serializers.ValidationError({"url": ["is required (repo_url is accepted too)"]})
        return super().validate(attrs)


class Confirmation(Input):
    """The body of `POST /v1/git-repos/{id}/confirm`."""

    called = "CommitConfirmation"

    commit = Text(max_length=64, help_text="The commit that is held.")
