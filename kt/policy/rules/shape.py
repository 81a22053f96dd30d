"""Rules about the shape of keys and values: known, present, of the right type and range."""

from __future__ import annotations

from kt.policy.rules.base import Rule


class UnknownKey(Rule):
    """A key that the policy language does not know.

    The contract is strict: a key that would be ignored is an error, because a guard with a
    misspelt name never runs and nobody notices. The finding names the nearest known key, or
    lists those that are possible in this place.

    Wrong:

        policy:
          dlp-filter:
            blocked_term: [Falcon]

    Right:

        policy:
          dlp-filter:
            blocked_terms: [Falcon]
    """

    code = "E002"


class MissingKey(Rule):
    """A required key is not given.

    Wrong:

        pack: {name: support, enabled: true}

    Right:

        pack: {name: support, version: 1.0.0, enabled: true}
    """

    code = "E004"


class WrongType(Rule):
    """A value has the wrong type.

    Types are those of YAML 1.2: `true` and `false` are flags, `yes`, `no`, `on` and `off` are
    words. A number where text is wanted goes into quotes. A list stays a list, even of one.

    Wrong:

        policy:
          dlp-filter:
            blocked_terms: Falcon

    Right:

        policy:
          dlp-filter:
            blocked_terms: [Falcon]
    """

    code = "E005"


class OutOfRange(Rule):
    """A number, or the length of a text or a list, is out of range.

    Wrong:

        policy:
          audit-logger:
            retention_days: 0

    Right:

        policy:
          audit-logger:
            retention_days: 30
    """

    code = "E006"


class NotAChoice(Rule):
    """A word is not among those possible here.

    Wrong:

        policy:
          pii-detector:
            action: mask

    Right:

        policy:
          pii-detector:
            action: redact
    """

    code = "E007"


class BadForm(Rule):
    """A text is not in the form that its place asks for.

    Versions are `MAJOR.MINOR.PATCH`; ids are lower-case letters, digits, `.`, `_` and `-`;
    names are one line and not blank; headers, URLs, paths and environment variables have the
    forms of their kind.

    Wrong:

        pack: {name: support, version: "1.0", enabled: true}

    Right:

        pack: {name: support, version: "1.0.0", enabled: true}
    """

    code = "E008"


class NotEnforced(Rule):
    """A kind, key or word of the public language that this version does not enforce.

    It is spelt correctly and means something elsewhere. Accepting it here would pretend to
    enforce what nothing enforces, so it is an error until it does.

    Wrong:

        policy:
          dlp-filter:
            sensitivity_level: high

    Right:

        policy:
          dlp-filter:
            blocked_terms: [Falcon]
    """

    code = "E009"


class RepeatedItem(Rule):
    """An item stands twice in a list of different things.

    Wrong:

        policy:
          rbac:
            deny_if_missing: [X-User-ID, X-User-ID]

    Right:

        policy:
          rbac:
            deny_if_missing: [X-User-ID, X-Org-ID]
    """

    code = "E024"


class TooManyFindings(Rule):
    """The file has more findings than are listed.

    Five hundred are listed, in the order of the file. Mend those first; the rest shows in the
    next run.
    """

    code = "E029"
