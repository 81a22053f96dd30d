"""The part of SARIF 2.1.0 that `kt` writes, as a JSON Schema without anything more."""

import json
from typing import Any

import jsonschema

Schema = dict[str, Any]


def _object(required: str, **properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def _list(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


_TEXT: Schema = {"type": "string", "minLength": 1}
_URI: Schema = {"type": "string", "pattern": "^[!#-;=?-Z_a-z~\\[\\]]+$"}
_COUNT: Schema = {"type": "integer", "minimum": 1}
_LEVEL: Schema = {"enum": ["none", "note", "warning", "error"]}
_MESSAGE = _object("text", text=_TEXT)
_LOCATIONS = _list(
    _object(
        "physicalLocation",
        physicalLocation=_object(
            "artifactLocation region",
            artifactLocation=_object("uri", uri=_URI, uriBaseId={"const": "%SRCROOT%"}),
            region=_object("startLine startColumn", startLine=_COUNT, startColumn=_COUNT),
        ),
        logicalLocations=_list(_object("fullyQualifiedName", fullyQualifiedName=_TEXT)),
    ),
    minItems=1,
)
_SUPPRESSION = _object(
    "kind justification", kind={"enum": ["inSource", "external"]}, justification=_TEXT
)
_RESULT = _object(
    "ruleId level message locations partialFingerprints",
    ruleId=_TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=_LEVEL,
    message=_MESSAGE,
    locations=_LOCATIONS,
    partialFingerprints={"type": "object", "additionalProperties": _TEXT},
    suppressions=_list(_SUPPRESSION),
)
_RULE = _object(
    "id shortDescription",
    id=_TEXT,
    name=_TEXT,
    shortDescription=_MESSAGE,
    help=_MESSAGE,
    defaultConfiguration=_object("level", level=_LEVEL),
)
_DRIVER = _object(
    "name semanticVersion rules", name=_TEXT, semanticVersion=_TEXT, rules=_list(_RULE)
)
_FAILURE = _object(
    "level descriptor message locations",
    level=_LEVEL,
    descriptor=_object("id", id=_TEXT),
    message=_MESSAGE,
    locations=_LOCATIONS,
)
_INVOCATION = _object(
    "executionSuccessful",
    executionSuccessful={"type": "boolean"},
    toolExecutionNotifications=_list(_FAILURE),
)
_RUN = _object(
    "tool columnKind originalUriBaseIds invocations results",
    tool=_object("driver", driver=_DRIVER),
    columnKind={"const": "unicodeCodePoints"},
    originalUriBaseIds=_object("%SRCROOT%", **{"%SRCROOT%": _object("uri", uri=_URI)}),
    invocations=_list(_INVOCATION, minItems=1),
    results=_list(_RESULT),
)
SCHEMA = _object(
    "$schema version runs",
    **{"$schema": _URI, "version": {"const": "2.1.0"}, "runs": _list(_RUN, minItems=1, maxItems=1)},
)


def run_of(out: str) -> Any:
    """The one run of a log, which must be valid, with rules that its results point at."""
    log = json.loads(out)
    jsonschema.validate(log, SCHEMA)
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(set(rules)) == len(rules)
    for one in run["results"]:
        assert one["ruleId"] == rules[one["ruleIndex"]] if "ruleIndex" in one else True
    # A run tells of suppressions in all of its results, or in none.
    assert len({"suppressions" in one for one in run["results"]}) < 2
    return run


def told(out: str) -> list[tuple[str, str, str, int, int]]:
    """Level, rule, path, line and column of each result of a valid log."""
    found = []
    for one in run_of(out)["results"]:
        place = one["locations"][0]["physicalLocation"]
        at = place["region"]["startLine"], place["region"]["startColumn"]
        found.append((one["level"], one["ruleId"], place["artifactLocation"]["uri"], *at))
    return found
