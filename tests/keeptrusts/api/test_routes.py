"""Behaviour common to all paths: methods, slashes, names of parameters, origins."""

import pytest
from rest_framework.test import APIClient

from tests.support.api import error, refusal

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

METHODS = {
    "/v1/configurations": "GET POST",
    "/v1/configurations/validate": "GET POST PATCH DELETE",
    "/v1/configurations/{id}": "GET PATCH DELETE",
    "/v1/configurations/{id}/content": "GET",
    "/v1/configurations/{id}/versions": "GET",
    "/v1/configurations/{id}/versions/{n}": "GET",
    "/v1/configurations/{id}/versions/{n}/content": "GET",
    "/v1/git-repos": "GET POST",
    "/v1/git-repos/summary": "GET",
    "/v1/git-repos/{repo}": "GET PATCH DELETE",
    "/v1/git-repos/{repo}/sync": "POST",
    "/v1/git-repos/{repo}/webhook": "POST",
    "/v1/git-repos/{repo}/syncs": "GET",
    "/v1/git-repos/{repo}/files": "GET",
    "/v1/events": "GET",
    "/v1/tokens": "GET POST",
    "/v1/tokens/{token}": "GET PATCH DELETE",
    "/v1/whoami": "GET",
}
READ = [pattern for pattern, methods in METHODS.items() if "GET" in methods]
ORIGIN = "https://console.example"


def allowed(pattern: str) -> set[str]:
    """The methods that a path has, those that come with GET included."""
    methods = set(METHODS[pattern].split())
    return methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())


def test_the_table_of_methods_is_complete(paths: dict[str, str]) -> None:
    """Whoever adds a path adds it to both."""
    assert set(METHODS) == set(paths)


def test_a_method_that_a_path_lacks_is_refused(admin: APIClient, paths: dict[str, str]) -> None:
    """405 in the envelope, with the methods that there are."""
    for pattern, path in paths.items():
        missing = {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "FOO"} - allowed(pattern)
        for method in sorted(missing):
            answer = admin.generic(method, path)
            found = (answer.status_code, error(answer)["code"])
            assert found == (405, "method_not_allowed"), (method, pattern)
            assert set(answer["Allow"].split(", ")) == allowed(pattern)


def test_options_tells_the_methods(admin: APIClient, paths: dict[str, str]) -> None:
    """In `Allow`; there is no body."""
    for pattern, path in paths.items():
        answer = admin.options(path)
        assert (answer.status_code, answer.content) == (204, b""), pattern
        assert set(answer["Allow"].split(", ")) == allowed(pattern)


def test_head_has_the_headers_of_get(admin: APIClient, paths: dict[str, str]) -> None:
    """And no body."""
    for pattern in READ:
        get, head = admin.get(paths[pattern]), admin.head(paths[pattern])
        assert (head.status_code, head.content) == (200, b""), pattern
        assert (head["Content-Type"], head.get("ETag")) == (get["Content-Type"], get.get("ETag"))


def test_a_trailing_slash_leads_nowhere(admin: APIClient, paths: dict[str, str]) -> None:
    """404 in the envelope with a hint; never a redirect, whatever the method."""
    for pattern, path in paths.items():
        for method in sorted(allowed(pattern)):
            answer = admin.generic(method, path + "/")
            assert answer.status_code == 404, (method, pattern)
            if method != "HEAD":
                assert "no trailing slash" in error(answer)["message"]


@pytest.mark.parametrize("path", ["/v1/", "/v2", "/v2/configurations", "//v1/whoami", "/é%00\n"])
def test_an_unknown_path_is_not_found(client: APIClient, path: str) -> None:
    """404 in the envelope, token or not."""
    answer = client.get(path)

    assert (answer.status_code, error(answer)["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "text",
    [
        "a%00b",
        "%00",
        "A",
        "-a",
        ".git",
        "..",
        "a%0A",
        "a b",
        "é",
        "%ED%A0%80",
        "%FF",
        "a" * 201,
        "a" * 100_000,
    ],
)
def test_an_id_that_cannot_be_is_not_found(admin: APIClient, text: str) -> None:
    """The database is not asked for it."""
    for rest in ("", "/content", "/versions", "/versions/1"):
        assert error(admin.get(f"/v1/configurations/{text}{rest}"))["code"] == "not_found"
    answer = admin.patch(f"/v1/configurations/{text}", {"name": "x"}, format="json")
    assert (answer.status_code, error(answer)["code"]) == (404, "not_found")


@pytest.mark.parametrize("number", ["0", "2", "-1", "x", "1.0", "9" * 19, "9" * 5000, "%00", "٣"])
def test_a_version_that_cannot_be_is_not_found(
    admin: APIClient, paths: dict[str, str], number: str
) -> None:
    """However large its number."""
    path = f"{paths['/v1/configurations/{id}/versions']}/{number}"

    assert error(admin.get(path))["code"] == "not_found"
    assert error(admin.get(f"{path}/content"))["code"] == "not_found"


@pytest.mark.parametrize("query", ["foo=1", "limits=1", "format=json", "%00=1", "=1", "a" * 5000])
def test_an_unknown_query_parameter_is_refused(
    admin: APIClient, paths: dict[str, str], query: str
) -> None:
    """For every method, naming it, before anything is done."""
    for pattern, path in paths.items():
        for method in METHODS[pattern].split():
            status, fields = refusal(admin.generic(method, f"{path}?{query}"))
            assert (status, len(fields)) == (400, 1), (method, pattern)
            assert len(fields[0]) <= 60
    assert admin.get(paths["/v1/configurations/{id}"]).json()["data"]["status"] == "active"


def test_a_query_of_a_thousand_parameters_is_refused(admin: APIClient) -> None:
    """Before they are looked at one by one."""
    answer = admin.get("/v1/configurations?" + "&".join(f"a{n}=1" for n in range(1001)))

    assert answer.status_code == 400
    assert error(answer)


def test_any_accept_is_answered_in_json(admin: APIClient) -> None:
    """A browser that opens the path sees the data, not a 406."""
    for accept in ("text/html", "application/xml;q=0.9", "*/*", "nonsense", ""):
        answer = admin.get("/v1/whoami", headers={"Accept": accept})
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


def test_a_configured_origin_may_read(admin: APIClient) -> None:
    """With the headers that a console needs."""
    answer = admin.get("/v1/configurations", headers={"Origin": ORIGIN})

    assert answer["Access-Control-Allow-Origin"] == ORIGIN
    exposed = set(answer["Access-Control-Expose-Headers"].split(", "))
    assert exposed >= {"ETag", "Location", "Idempotent-Replayed", "Retry-After", "X-Request-Id"}
    assert {"origin", "Authorization"} <= set(answer["Vary"].split(", "))


def test_an_error_may_be_read_by_a_configured_origin(client: APIClient) -> None:
    """Else a console could not tell a refused token from a network that is down."""
    for path in ("/v1/configurations", "/v1/nowhere"):
        answer = client.get(path, headers={"Origin": ORIGIN})
        assert answer["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize(
    "origin",
    ["https://other.example", "http://console.example", "https://console.example:444",
     "https://console.example.evil.example", "null", "https://[", "\x00", "*"],
)  # fmt: skip
def test_another_origin_may_not(admin: APIClient, origin: str) -> None:
    """The answer comes without the header that would let a page read it."""
    answer = admin.get("/v1/configurations", headers={"Origin": origin})

    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_a_preflight_needs_no_token(client: APIClient, method: str) -> None:
    """Browsers send it without; it allows the methods and headers that the API has."""
    wanted = ["authorization", "content-type", "if-none-match", "if-match", "idempotency-key"]
    answer = client.options(
        "/v1/configurations",
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": ",".join(wanted),
        },
    )

    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == ORIGIN
    assert method in answer["Access-Control-Allow-Methods"].split(", ")
    assert set(wanted) <= set(answer["Access-Control-Allow-Headers"].split(", "))
