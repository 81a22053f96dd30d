"""Rules about the file as bytes and as YAML, before any key has a meaning."""

from __future__ import annotations

from kt.policy.rules.base import Rule


class NotYaml(Rule):
    """The file is not valid YAML.

    Reading stops at the first place that breaks YAML's own grammar, so this is the one error
    after which nothing else can be checked. Usual causes are a tab used for indentation, an
    unquoted value that contains `: ` or begins with `@`, `*` or `%`, and a bracket left open.

    Wrong:

        pack: {name: support, version: 1.0.0, enabled: true

    Right:

        pack: {name: support, version: 1.0.0, enabled: true}
    """

    code = "E010"


class NotUtf8(Rule):
    """The file is not UTF-8.

    A policy file is UTF-8 text, with or without a byte order mark. Save the file again in
    that encoding; other encodings are refused rather than guessed, because a wrong guess
    changes what a blocked term matches.
    """

    code = "E011"


class EmptyFile(Rule):
    """The file holds nothing.

    There are no bytes in it, or only comments and blank lines. An empty policy would let
    everything through without saying so. To let everything through on purpose, write a policy
    with `enabled: false`; to retire it, delete the file.
    """

    code = "E012"


class FileTooLarge(Rule):
    """The file is larger than 1 MiB.

    The limit is 1,048,576 bytes. Split the policy into several files, each in a directory of
    its own.
    """

    code = "E013"


class TooDeep(Rule):
    """The document is nested more than 64 levels deep.

    No part of the language comes near that depth. Levels that come in through an alias count
    as if they had been written out.
    """

    code = "E014"


class TooManyNodes(Rule):
    """The document has more than 100,000 values, aliases unfolded.

    An alias (`*name`) counts as often as it is used, with everything below it. A few lines of
    aliases to aliases would otherwise unfold to millions of values.
    """

    code = "E015"


class DuplicateKey(Rule):
    """A key is given twice in one mapping.

    Readers of YAML disagree about which of the two counts, so a reviewer could approve one
    value and the gateway enforce the other. Keep one.

    Wrong:

        policy:
          dlp-filter:
            action: block
            action: redact

    Right:

        policy:
          dlp-filter:
            action: block
    """

    code = "E016"


class CustomTag(Rule):
    """A value carries a YAML tag.

    A tag asks the reader for a type of its own (`!!python/object`, `!env`). The language has
    none, and a tag that is ignored would mislead. The core tags `!!str`, `!!int`, `!!float`,
    `!!bool`, `!!null`, `!!map` and `!!seq` are accepted where they name what the value is.

    Wrong:

        pack: {name: !env PACK_NAME, version: 1.0.0, enabled: true}

    Right:

        pack: {name: support, version: 1.0.0, enabled: true}
    """

    code = "E017"


class BadAlias(Rule):
    """An alias points to nothing, or into itself.

    `*name` repeats the value marked `&name`, which must have been written out in full before.

    Wrong:

        policy:
          dlp-filter:
            blocked_terms: &terms [Falcon, *terms]

    Right:

        policy:
          dlp-filter:
            blocked_terms: &terms [Falcon]
          human-oversight:
            require_human_for: *terms
    """

    code = "E018"


class SeveralDocuments(Rule):
    """The file holds more than one YAML document.

    `---` begins a document. A policy file is exactly one; what follows a second `---` would
    never be read. Put the second policy into a file of its own.
    """

    code = "E019"


class BadKey(Rule):
    """A key is not plain text, or `<<` does not merge mappings.

    Keys are words. A list or a mapping used as a key means nothing here, and neither does a
    merge key (`<<`) whose value is not a mapping or a list of mappings. Of merged keys those
    written in the mapping itself count first, then those of the mapping named earliest.

    Wrong:

        policy:
          dlp-filter:
            ? [action, mode]
            : block

    Right:

        policy:
          dlp-filter:
            action: block
    """

    code = "E020"


class HiddenText(Rule):
    """A character makes the file read otherwise than it looks.

    YAML takes U+0085, U+2028 and U+2029 for the end of a line, and few editors do: what looks
    like a comment can go on as keys that are in force. The characters that turn the direction
    of writing (U+202A to U+202E, U+2066 to U+2069) show a line in another order than it has.
    Where such a character is meant, for a term or a pattern, write its escape in double quotes.

    Wrong:

        policy:
          dlp-filter:
            blocked_terms: ["Fal\u2066con"]

    Right:

        policy:
          dlp-filter:
            blocked_terms: ["Fal\\u2066con"]
    """

    code = "E032"


class BadSuppression(Rule):
    """A comment that is to suppress a warning cannot be taken.

    `# kt: allow CODE because REASON` suppresses the warnings of one code in its own line or, where
    it has a line to itself, in the next line that is no comment. It needs one code and a reason.
    Errors cannot be suppressed, since a file with one is not published; nor can `W014`, since the
    control plane takes neither of two files with one id, nor what lint says of such comments.

    Wrong:

        pack:
          name: support
          version: 1.0.0
          enabled: false  # kt: allow W007

    Right:

        pack:
          name: support
          version: 1.0.0
          enabled: false  # kt: allow W007 because the bot is retired in May
    """

    code = "W015"


class UnusedSuppression(Rule):
    """A comment that is to suppress a warning suppresses none.

    What it was for is mended, or stands in another line, and the comment would hide the next one.
    It is said of a file without errors; not of `W003` and `W013`, which only some readers of a
    file can know.

    Wrong:

        pack:
          name: support
          version: 1.0.0
          enabled: true  # kt: allow W007 because the bot is retired in May

    Right:

        pack:
          name: support
          version: 1.0.0
          enabled: true
    """

    code = "W016"
