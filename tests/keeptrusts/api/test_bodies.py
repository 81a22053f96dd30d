"""Bodies that no client should send, to every path that takes one."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.support.api import error, refusal, send
from tests.support.repo import policy

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

# Each path with a body that it takes; the field to spoil stands first.
TAKES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/v1/tokens"): {"name": "ci"},
    ("POST", "/v1/configurations"): {"name": "Bot", "id": "other", "content": policy()},
    ("POST", "/v1/configurations/validate"): {"directory": "bot", "content": policy()},
    ("PATCH", "/v1/configurations/{id}"): {"name": "Bot"},
    ("POST", "/v1/git-repos"): {"path": "a/", "url": "https://forge.example/org/other.git"},
    ("PATCH", "/v1/git-repos/{repo}"): {"path": "a/"},
}
EVERY = [*TAKES, ("POST", "/v1/git-repos/{repo}/sync")]
MEBIBYTE = 1024 * 1024
JSON = "application/json"
OTHER_TYPES = [
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain",
    "application/json-patch+json", "application/xml", "x", "application/json5",
]  # fmt: skip

NO_OBJECT = {
    "words": b"not json", "half": b'{"name": "x"', "trailing comma": b'{"name": "x",}',
    "comment": b'{"name": "x"} // yes', "single quotes": b"{'name': 'x'}",
    "array": b"[]", "array of objects": b'[{"name": "x"}]', "text": b'"name"', "number": b"5",
    "null": b"null", "true": b"true", "blank": b"  ", "two objects": b"{}{}",
    "NaN": b'{"name": NaN}', "infinity": b'{"name": -Infinity}', "overflow": b'{"name": 1e999}',
    "BOM": b"\xef\xbb\xbf{}", "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "Latin-1": b'{"name": "\xe9"}',
    "NUL byte": b'{"name": "\x00"}', "raw newline": b'{"name": "a\nb"}',
    "lone surrogate": b'{"name": "\\ud800"}', "lone low surrogate": b'{"name": "\\udc00x"}',
    "surrogate as key": b'{"\\ud800": 1}', "surrogate in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "deep arrays": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"name":' * 100_000 + b"1" + b"}" * 100_000,
    "almost too deep": b'{"name":' * 1000 + b"1" + b"}" * 1000,
    "endless depth": b'{"name":' * 100_000,
    "key given twice": b'{"name": "a", "name": "b"}',
    "key given twice below": b'{"labels": {"a": "1", "a": "2"}}',
    "key given twice, spelled otherwise": b'{"name": "a", "n\\u0061me": "b"}',
    "digits": b'{"name": ' + b"9" * 5000 + b"}",
}  # fmt: skip


@pytest.fixture(params=EVERY, ids=[" ".join(key) for key in EVERY])
def target(request: pytest.FixtureRequest, paths: dict[str, str]) -> tuple[str, str]:
    """Method and path of everything that reads a body."""
    method, pattern = request.param
    return method, paths[pattern]


@pytest.fixture(params=TAKES, ids=[" ".join(key) for key in TAKES])
def taking(
    request: pytest.FixtureRequest, paths: dict[str, str]
) -> tuple[tuple[str, str], dict[str, Any]]:
    """Method and path of everything that has fields, with a body it takes."""
    method, pattern = request.param
    return (method, paths[pattern]), TAKES[request.param]


def test_the_bodies_are_good_as_they_stand(
    admin: APIClient, taking: tuple[tuple[str, str], dict[str, Any]]
) -> None:
    """So that what the tests below see is due to what they change."""
    (method, path), body = taking

    assert getattr(admin, method.lower())(path, body, format="json").status_code in (200, 201)


def test_a_body_that_is_no_plain_object_is_refused(
    admin: APIClient, target: tuple[str, str]
) -> None:
    """400 in the envelope, and the message says what is wrong with it."""
    answers = {name: send(admin, *target, body) for name, body in NO_OBJECT.items()}

    found = {name: (answer.status_code, error(answer)["code"]) for name, answer in answers.items()}
    assert found == dict.fromkeys(NO_OBJECT, (400, "parse_error"))
    assert [name for name, answer in answers.items() if len(answer.content) >= 1000] == []


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"name": 18446744073709551616}', "name"),
        (b'{"a": 18446744073709551615, "b": [{"c": -9223372036854775809}]}', "b.0.c"),
        (b"[99999999999999999999999]", "0"),
    ],
)
def test_a_whole_number_beyond_64_bits_is_refused_with_its_place(
    admin: APIClient, target: tuple[str, str], body: bytes, place: str
) -> None:
    """It would be rounded without a word."""
    assert refusal(send(admin, *target, body)) == (400, [place])


def test_an_empty_body_is_refused(
    admin: APIClient, taking: tuple[tuple[str, str], dict[str, Any]]
) -> None:
    """No field is filled by a guess, and a change of nothing is none."""
    form = "application/x-www-form-urlencoded"
    for body, content_type in ((b"{}", JSON), (b"", JSON), (b"", form)):
        status, fields = refusal(send(admin, *taking[0], body, content_type=content_type))
        assert (status, bool(fields)) == (400, True), (body, content_type)


def test_another_content_type_is_refused(admin: APIClient, target: tuple[str, str]) -> None:
    """415: a form could only be guessed at."""
    answers = {
        name: send(admin, *target, b"name=x&path=a", content_type=name) for name in OTHER_TYPES
    }

    found = {name: (answer.status_code, error(answer)["code"]) for name, answer in answers.items()}
    assert found == dict.fromkeys(OTHER_TYPES, (415, "unsupported_media_type"))


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON", ""]
)
def test_json_is_json_however_it_is_spelled(admin: APIClient, content_type: str) -> None:
    """Parameters, case, and none at all."""
    answer = send(admin, "POST", "/v1/tokens", b'{"name": "ci"}', content_type=content_type)

    assert answer.status_code == 201


def test_a_body_of_nine_megabytes_is_refused(admin: APIClient, target: tuple[str, str]) -> None:
    """413, without reading it to its end."""
    answer = send(admin, *target, b'{"name": "' + b"x" * (9 * MEBIBYTE) + b'"}')

    assert (answer.status_code, error(answer)["code"]) == (413, "body_too_large")


def test_a_text_of_two_megabytes_is_refused(
    admin: APIClient, taking: tuple[tuple[str, str], dict[str, Any]]
) -> None:
    """Naming the field, and not repeating it."""
    target, body = taking
    field = next(iter(body))
    answer = getattr(admin, target[0].lower())(
        target[1], {**body, field: "x" * (2 * MEBIBYTE)}, format="json"
    )

    assert refusal(answer) == (400, [field])
    assert len(answer.content) < 1000


def test_a_value_of_another_type_is_refused(
    admin: APIClient, taking: tuple[tuple[str, str], dict[str, Any]]
) -> None:
    """Naming the field: a number is no text, and text holds no NUL."""
    target, body = taking
    field = next(iter(body))
    ask = getattr(admin, target[0].lower())
    for value in (5, 1.5, True, False, None, [], ["x"], {}, {"x": "y"}, "\x00", "a\x00b"):
        answer = ask(target[1], {**body, field: value}, format="json")
        assert refusal(answer) == (400, [field]), value


def test_an_unknown_field_is_refused(admin: APIClient, target: tuple[str, str]) -> None:
    """Naming it, with those that are known: a slip of the pen is never ignored."""
    method, path = target
    for name in ("nmae", "", "message", "\x00", "name ", "Name", "__class__", "é"):
        answer = getattr(admin, method.lower())(path, {name: 1}, format="json")
        found = [(detail["code"], detail["field"]) for detail in error(answer)["details"]]
        assert found == [("unknown", {"": "body", "\x00": "\\x00"}.get(name, name))]


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/v1/git-repos", {"urll": "x"}, "urll: unknown field; did you mean 'url'?"),
        (
            "/v1/git-repos",
            {"zzzzzz": "x"},
            "zzzzzz: unknown field; use one of access_token, adopt,",
        ),
        (
            "/v1/gateway-bindings",
            {"configuration": "bot", "selector": {}},
            "selector: must not be empty",
        ),
        ("/v1/gateway-bindings", {"selector": {"a": "b"}}, "configuration: is required"),
        ("/v1/tokens", {"name": None}, "name: must not be null"),
        ("/v1/tokens", {"name": ""}, "name: must not be empty"),
        ("/v1/tokens", {"name": "x" * 1000}, "name: must have no more than "),
        (
            "/v1/git-repos",
            {"url": "https://forge.example/p.git", "poll_interval_seconds": 0},
            "poll_interval_seconds: must be greater than or equal to 1",
        ),
    ],
)
def test_what_is_wrong_is_told_in_our_words(
    admin: APIClient, path: str, body: dict[str, object], message: str
) -> None:
    """With the field that is most likely meant, and without the framework's sentences."""
    said = error(admin.post(path, body, format="json"))["message"]

    assert message in said


def test_fields_named_like_an_errors_own_are_told_apart(
    admin: APIClient, target: tuple[str, str]
) -> None:
    """`code` and `message` are what an error has; a body may have them by mistake."""
    answer = getattr(admin, target[0].lower())(target[1], {"code": 1, "message": 2}, format="json")

    assert refusal(answer) == (400, ["code", "message"])


def test_many_unknown_fields_make_a_short_answer(admin: APIClient, target: tuple[str, str]) -> None:
    """A body of 100,000 of them is not answered by as many sentences."""
    body = b"{" + b",".join(b'"%d":1' % number for number in range(100_000)) + b"}"
    answer = send(admin, *target, body)

    assert answer.status_code == 400
    assert len(answer.content) < 10_000


def test_a_long_name_of_an_unknown_field_is_cut(admin: APIClient, target: tuple[str, str]) -> None:
    """A name of a megabyte is not repeated."""
    answer = send(admin, *target, b'{"' + b"x" * MEBIBYTE + b'": 1}')

    assert answer.status_code == 400
    assert len(answer.content) < 1000


@pytest.mark.parametrize(
    "body",
    [b'{"a": [' + b"{}," * 250_000 + b"{}]}", b'{"a": [' + b"1," * 600_000 + b"1]}"],
    ids=["objects", "numbers"],
)
def test_a_body_of_very_many_values_is_refused(
    admin: APIClient, target: tuple[str, str], body: bytes
) -> None:
    """Before they are made: in memory each takes many times its bytes."""
    answer = send(admin, *target, body)

    assert (answer.status_code, error(answer)["code"]) == (413, "body_too_large")
