"""Serializers of links, their files and syncs."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.utils import timezone
from rest_framework import serializers

from configurations import queries
from configurations.seen import ALL, Seen
from gitrepos import refs
from gitrepos.forge.addresses import (
    NOT_ALLOWED,
    BadURLError,
    RepoURL,
    is_allowed,
    literal_address,
    parse,
)
from gitrepos.links import narrowing
from gitrepos.links.conditions import Condition, LinkWithStatus, conditions
from gitrepos.models import Link, LinkedFile, SyncRun
from gitrepos.polling import hosts
from gitrepos.snapshot import globs, openpgp, signatures
from gitrepos.webhooks import forges
from keeptrusts.api.fields import Choice, Flag, Input, Text, Whole
from kt.policy.language.forms import FORMS, is_id

_MAX_GLOBS = 50
_MAX_INTERVAL_SECONDS = 7 * 86_400
# Control characters, and those that break or reverse a line for some readers.
_HIDING = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


class URL(Text):
    """A field for a repository's url, checked and brought into its stored form."""

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
    """A field for up to 50 globs of paths, in the syntax of `gitrepos.snapshot.globs`."""

    child = Text(max_length=200)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=_MAX_GLOBS, **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        values: list[str] = super().to_internal_value(data)
        if wrong := [why for glob in values if (why := globs.problem(glob))]:
            raise serializers.ValidationError(f"a glob {wrong[0]}")
        return values


class Ref(Text):
    """A field for one form of what a link follows; empty or null for not this form."""

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

    url = URL(required=False)
    repo_url = URL(required=False)
    branch = Ref("branch", max_length=200)
    tag = Ref("tag", max_length=200)
    commit = Ref("commit", max_length=64)
    semver = Ref("semver", max_length=200)
    path = Text(max_length=1000, required=False, allow_blank=True)
    auto_create_configuration = Flag(required=False)
    adopt = Flag(required=False)
    poll_interval_seconds = Whole(required=False, min_value=1, max_value=_MAX_INTERVAL_SECONDS)
    webhook_poll_interval_seconds = Whole(
        required=False, allow_null=True, min_value=1, max_value=_MAX_INTERVAL_SECONDS
    )
    webhook_secret = Text(max_length=200, required=False, allow_null=True, allow_blank=True)
    suspended = Flag(required=False)
    four_eyes = Flag(required=False)
    fail_on = Choice(["", "weaker"], required=False, allow_blank=True)
    id_prefix = Text(max_length=100, required=False, allow_blank=True)
    include = Globs(required=False)
    exclude = Globs(required=False)
    prune = Flag(required=False)
    access_token = Text(max_length=4000, required=False, allow_null=True, allow_blank=True)
    allowed_signers = Text(max_length=65_536, required=False, allow_null=True, allow_blank=True)
    allowed_openpgp_keys = Text(
        max_length=openpgp.MAX_LENGTH, required=False, allow_null=True, allow_blank=True
    )
    credential = Text(max_length=100, required=False, allow_null=True, allow_blank=True)

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

    poll_interval_seconds = Whole(default=300, min_value=1, max_value=_MAX_INTERVAL_SECONDS)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.keys() & {"url", "repo_url"}:
            raise serializers.ValidationError({"url": ["is required (repo_url is accepted too)"]})
        return super().validate(attrs)


class Confirmation(Input):
    """The body of `POST /v1/git-repos/{id}/confirm`."""

    commit = Text(max_length=64)


class LinkRow(serializers.ModelSerializer[Link]):
    """A link from `with_status` as the API shows it; a secret is shown only as being set or not."""

    status = serializers.CharField()
    conditions = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    has_access_token = serializers.SerializerMethodField()
    credential = serializers.CharField(source="remote.shared.name", default=None)
    credential_expires_at = serializers.DateTimeField(
        source="remote.shared.expires_at", default=None
    )
    credential_expiring = serializers.BooleanField(source="remote.shared.expiring", default=False)
    has_webhook_secret = serializers.SerializerMethodField()
    webhook_url = serializers.SerializerMethodField()
    follows = serializers.SerializerMethodField()
    last_commit = serializers.SerializerMethodField()
    last_tag = serializers.SerializerMethodField()
    last_polled_at = serializers.DateTimeField(source="remote.last_polled_at")
    next_poll_at = serializers.DateTimeField(source="remote.next_poll_at")
    files = serializers.JSONField(source="counts")
    broken_glass = serializers.BooleanField()

    class Meta:
        model = Link
        fields = [
            "id", "url", "follows", "branch", "tag", "commit", "semver", "path",
            "auto_create_configuration", "adopt",
            "poll_interval_seconds", "webhook_poll_interval_seconds", "suspended", "four_eyes",
            "fail_on", "broken_glass", "id_prefix", "include", "exclude", "prune",
            "allowed_signers", "allowed_openpgp_keys",
            "has_access_token", "credential", "credential_expires_at", "credential_expiring",
            "has_webhook_secret", "webhook_url", "generation",
            "status", "observed_generation", "conditions", "last_commit", "last_tag",
            "last_polled_at", "next_poll_at", "last_synced_at", "last_delivery_at",
            "error", "held", "files", "created_at", "updated_at",
        ]  # fmt: skip

    def get_conditions(self, row: LinkWithStatus) -> list[Condition]:
        refused = self.context["refused"].get(str(row.pk))
        return conditions(row, self.context["now"], self._trouble(row), refused)

    def get_error(self, row: Link) -> hosts.Trouble | None:
        """The link's own error, else the reason why its due remote is not polled, or None."""
        if row.error_code:
            return {"code": row.error_code, "message": row.error_message}
        return None if row.suspended else self._trouble(row)

    def _trouble(self, row: Link) -> hosts.Trouble | None:
        return hosts.trouble_of(row.remote, self.context["troubles"], self.context["now"])

    def get_has_access_token(self, row: Link) -> bool:
        return bool(row.remote.credential)

    def get_has_webhook_secret(self, row: Link) -> bool:
        return bool(row.webhook_secret)

    def get_webhook_url(self, row: Link) -> str:
        """The path of the webhook, relative to the url under which the forge reaches this API."""
        return f"/v1/git-repos/{row.pk}/webhook"

    def get_follows(self, row: Link) -> str:
        return refs.form(row)

    def get_last_commit(self, row: Link) -> str | None:
        return row.last_commit or None

    def get_last_tag(self, row: Link) -> str | None:
        return refs.tag_of(row.last_ref) or None


def shown(rows: Sequence[LinkWithStatus], seen: Seen = ALL) -> list[dict[str, Any]]:
    """Links as the API shows them, with their conditions as of now.

    A host rests for failures of any link, so that its trouble is told to who sees all alone.
    """
    now = timezone.now()
    refused = queries.refused_by_owner(seen)
    troubles = {} if seen.is_narrowed else hosts.troubles(now)
    context = {"now": now, "troubles": troubles, "refused": refused}
    rows = narrowing.trim(rows, seen)
    return [dict(row) for row in LinkRow(rows, many=True, context=context).data]


class RunRow(serializers.ModelSerializer[SyncRun]):
    """A sync in a link's history, as the API shows it."""

    error = serializers.SerializerMethodField()

    class Meta:
        model = SyncRun
        fields = [
            "id", "trigger", "from_commit", "to_commit", "error", "files", "occurrences",
            "started_at", "finished_at",
        ]  # fmt: skip

    def get_error(self, row: SyncRun) -> dict[str, str] | None:
        if not row.error_code:
            return None
        return {"code": row.error_code, "message": row.error_message}


class FileRow(serializers.ModelSerializer[LinkedFile]):
    """A file of a link, as the API shows it."""

    class Meta:
        model = LinkedFile
        fields = [
            "path", "configuration", "renamed_from", "outcome", "content_hash", "blob", "findings",
            "updated_at",
        ]  # fmt: skip
