"""Environment variables: their values, and the errors for bad ones."""

import ipaddress
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from keeptrusts.env.errors import EnvError
from keeptrusts.env.mailer import Mailer
from keeptrusts.env.provider import Provider
from keeptrusts.env.reading import read
from keeptrusts.env.secret_values import FILES, secret_file
from tests.support.stack import ROOT

KEY = "a-key-of-more-than-32-characters-0123456789"
DATABASE = "postgresql://keeptrusts@127.0.0.1:5432/keeptrusts"

GOOD = [
    ("KEEPTRUSTS_LISTEN", "0.0.0.0:80", "listen_host", "0.0.0.0"),
    ("KEEPTRUSTS_LISTEN", "localhost:65535", "listen_port", 65535),
    ("KEEPTRUSTS_LISTEN", "[::1]:8080", "listen_host", "::1"),
    ("KEEPTRUSTS_SECRET_KEY", f"{KEY}, older-{KEY}", "secret_keys", (KEY, f"older-{KEY}")),
    ("KEEPTRUSTS_BOOTSTRAP_TOKEN", "x" * 32, "bootstrap_token", "x" * 32),
    ("DATABASE_URL", "", "database_url", ""),
    ("DATABASE_URL", "postgres://u:p@h/d?sslmode=require", "database_url",
     "postgres://u:p@h/d?sslmode=require"),
    ("REDIS_URL", "redis://127.0.0.1:6379/0", "redis_url", "redis://127.0.0.1:6379/0"),
    ("REDIS_URL", "rediss://:secret@h:6380/1", "redis_url", "rediss://:secret@h:6380/1"),
    ("REDIS_URL", "unix:///run/redis.sock", "redis_url", "unix:///run/redis.sock"),
    ("KEEPTRUSTS_GIT_SCHEMES", "https, http", "git_schemes", frozenset({"https", "http"})),
    ("KEEPTRUSTS_GIT_ALLOWED_NETWORKS", "10.0.0.0/8, fd00::/8", "git_allowed_networks",
     (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))),
    ("KEEPTRUSTS_GIT_CA_FILE", "", "git_ca_file", ""),
    ("KEEPTRUSTS_GIT_PROXY", "", "git_proxy", ""),
    *[("KEEPTRUSTS_GIT_PROXY", url, "git_proxy", url) for url in (
        "http://proxy.example:3128", "https://proxy.example:443", "http://10.0.0.1:80",
        "http://[::1]:3128", "http://a:b@proxy:1", "https://a%40b:%3a%2F@proxy.example:65535",
    )],
    ("KEEPTRUSTS_GIT_PROXY", "http://proxy.example:3128/", "git_proxy",
     "http://proxy.example:3128"),
    ("KEEPTRUSTS_GIT_NO_PROXY", "", "git_no_proxy", ()),
    ("KEEPTRUSTS_GIT_NO_PROXY", "Git.example, .example,*.example,git:8443,*", "git_no_proxy",
     ("git.example", ".example", "*.example", "git:8443", "*")),
    ("KEEPTRUSTS_GIT_NO_PROXY", "10.0.0.0/8,10.1.2.3/8,127.0.0.1:80,::1,fd00::/8,[::1]:443",
     "git_no_proxy",
     ("10.0.0.0/8", "10.1.2.3/8", "127.0.0.1:80", "::1", "fd00::/8", "[::1]:443")),
    (
        "KEEPTRUSTS_GIT_ALLOWED_REFS", "refs/pull/*, refs/changes/01/*", "git_allowed_refs",
        ("refs/pull/*", "refs/changes/01/*"),
    ),
    ("KEEPTRUSTS_MIN_POLL_INTERVAL_SECONDS", "86400", "min_poll_interval_seconds", 86400),
    ("KEEPTRUSTS_CREDENTIAL_WARNING_DAYS", "366", "credential_warning_days", 366),
    ("KEEPTRUSTS_GIT_HOST_CONCURRENCY", "", "git_host_concurrency", 32),
    ("KEEPTRUSTS_GIT_HOST_CONCURRENCY", "4", "git_host_concurrency", 4),
    ("KEEPTRUSTS_GIT_READER", "", "git_reader", "own"),
    ("KEEPTRUSTS_GIT_READER", "git", "git_reader", "git"),
    ("KEEPTRUSTS_GIT_HOST_CALLS_PER_MINUTE", "", "git_host_calls_per_minute", None),
    ("KEEPTRUSTS_GIT_HOST_CALLS_PER_MINUTE", "99999", "git_host_calls_per_minute", 99999),
    ("KEEPTRUSTS_CORS_ORIGINS", "https://a.example,http://localhost:3000", "cors_origins",
     ("https://a.example", "http://localhost:3000")),
    ("KEEPTRUSTS_EVENTS_LISTEN", "0.0.0.0:81", "events_port", 81),
    ("KEEPTRUSTS_LISTEN", "0.0.0.0:81", "events_url", "http://127.0.0.1:81"),
    ("KEEPTRUSTS_EVENTS_URL", "https://events.example/kt/", "events_url",
     "https://events.example/kt"),
    ("KEEPTRUSTS_GATEWAY_OFFLINE_SECONDS", "60", "gateway_offline_seconds", 60),
    ("KEEPTRUSTS_DECISION_RETENTION_DAYS", "3650", "decision_retention_days", 3650),
    ("KEEPTRUSTS_REQUESTS_PER_MINUTE", "", "requests_per_minute", 6000),
    ("KEEPTRUSTS_REQUESTS_PER_MINUTE", "0", "requests_per_minute", 0),
    ("KEEPTRUSTS_REQUESTS_PER_MINUTE", "60", "requests_per_minute", 60),
    ("KEEPTRUSTS_PUBLIC_URL", "", "public_url", ""),
    ("KEEPTRUSTS_PUBLIC_URL", "https://kt.example:8443/", "public_url", "https://kt.example:8443"),
    ("KEEPTRUSTS_PUBLIC_URL", "http://[::1]:8080", "public_url", "http://[::1]:8080"),
    ("KEEPTRUSTS_OIDC_ISSUER", "", "provider", None),
    ("KEEPTRUSTS_SMTP_HOST", "", "mailer", None),
]  # fmt: skip

BAD = [
    ("KEEPTRUSTS_LISTEN", ["8080", ":8080", "localhost", "localhost:", "localhost:http",
                           "localhost:0", "localhost:65536", "localhost:-1",
                           "localhost:" + "9" * 5000, "localhost:٣",
                           "http://localhost:80", "a b:80", "::1:80"]),
    (
        "KEEPTRUSTS_GIT_ALLOWED_REFS",
        ["refs/pull", "refs/pull/1/head", "refs/*", "*", "pull/*", "refs/heads/*", "refs/tags/x/*",
         "refs//*", "refs/pull/**"],
    ),
    ("KEEPTRUSTS_GIT_CA_FILE", ["/nowhere.pem", "/dev/null", "/", "pyproject.toml"]),
    ("KEEPTRUSTS_DATA_DIR", ["/dev/null", "/proc/keeptrusts", "/proc"]),
    ("KEEPTRUSTS_SECRET_KEY", ["short", f"{KEY},short"]),
    ("KEEPTRUSTS_BOOTSTRAP_TOKEN", ["short", "x" * 31, "x" * 32 + " ", "é" * 32, "x" * 32 + "\n"]),
    ("DATABASE_URL", ["keeptrusts", "mysql://h/d", "postgres:h/d", "postgres://h:port/d",
                      "postgres://h:99999/d", "postgres://[/d"]),
    ("REDIS_URL", ["127.0.0.1:6379", "http://h", "redis://h:port", "redis://h:0", "redis:h"]),
    ("KEEPTRUSTS_GIT_SCHEMES", ["git", "https,ftp", "HTTPS", ","]),
    ("KEEPTRUSTS_GIT_ALLOWED_NETWORKS", ["10.0.0.1/8", "localhost", "10.0.0.0/33", "10/8/8"]),
    ("KEEPTRUSTS_GIT_PROXY", ["proxy.example:3128", "http://proxy.example", "http://proxy:0",
                              "http://proxy:65536", "http://proxy:3128/path", "http://a@proxy:1",
                              "http://a:@proxy:1", "http://:b@proxy:1", "http://a:b:c@proxy:1",
                              "http://a:%zz@proxy:1", "http://a:b c@proxy:1", "http://[x]:1",
                              "http://[:::]:1", "socks5h://proxy:1080", "ftp://proxy:1",
                              "http://proxy:٣", "http://proxy:3128\n"]),
    ("KEEPTRUSTS_GIT_NO_PROXY", ["https://git.example", "git.example:0", "git.example:65536",
                                 "10.0.0.0/33", "a b", "git.example/path", "a*b.example", "**",
                                 "[git.example]:1", "git..example", "a,http://b"]),
    ("KEEPTRUSTS_MIN_POLL_INTERVAL_SECONDS", ["0", "-1", "1.5", "ten", "86401", "٣", "9" * 5000]),
    ("KEEPTRUSTS_CREDENTIAL_WARNING_DAYS", ["0", "-1", "1.5", "3651", "٣"]),
    ("KEEPTRUSTS_GIT_HOST_CONCURRENCY", ["0", "-4", "100000", "many"]),
    ("KEEPTRUSTS_GIT_READER", ["GIT", "dulwich", "own,git"]),
    ("KEEPTRUSTS_GIT_HOST_CALLS_PER_MINUTE", ["0", "-1", "100000", "many", "1e3"]),
    ("KEEPTRUSTS_CORS_ORIGINS", ["*", "console.example", "https://a.example/", "https://A.example",
                                 "https://u@a.example", "ftp://a.example", "https://a.example:x"]),
    ("KEEPTRUSTS_EVENTS_LISTEN", ["8081", "localhost:0"]),
    ("KEEPTRUSTS_EVENTS_URL", ["events.example", "ftp://events.example", "https://u@events.example",
                               "https://events.example/?x", "https://"]),
    ("KEEPTRUSTS_GATEWAY_OFFLINE_SECONDS", ["0", "five"]),
    ("KEEPTRUSTS_DECISION_RETENTION_DAYS", ["0", "3651", "all"]),
    ("KEEPTRUSTS_PUBLIC_URL", ["kt.example", "http://kt.example", "https://kt.example/path",
                               "https://u@kt.example", "https://kt.example?", "ftp://localhost"]),
    ("KEEPTRUSTS_REQUESTS_PER_MINUTE", ["-1", "00", "100000", "1.5", "all"]),
]  # fmt: skip


def environ(tmp_path: Path, **variables: str) -> dict[str, str]:
    """A complete environment with some variables set otherwise."""
    return {
        "KEEPTRUSTS_DATA_DIR": str(tmp_path / "data"),
        "KEEPTRUSTS_SECRET_KEY": KEY,
        **variables,
    }


@pytest.mark.parametrize(("name", "value", "field", "expected"), GOOD)
def test_a_good_value_is_read(
    tmp_path: Path, name: str, value: str, field: str, expected: object
) -> None:
    """Each variable arrives typed."""
    assert getattr(read(environ(tmp_path, **{name: value})), field) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param(name, value, id=f"{name}-{number}")
        for name, values in BAD
        for number, value in enumerate(values)
    ],
)
def test_a_bad_value_names_itself(tmp_path: Path, name: str, value: str) -> None:
    """The start stops with the variable's name first."""
    variables = environ(tmp_path, **{name: value})
    if name == "KEEPTRUSTS_DATA_DIR":
        del variables["KEEPTRUSTS_SECRET_KEY"]  # It is kept there.

    with pytest.raises(EnvError, match=f"^{name}"):
        read(variables)


@pytest.mark.parametrize("name", [name for name, _ in BAD if not name.endswith("DATA_DIR")])
def test_an_empty_value_is_the_default(tmp_path: Path, name: str) -> None:
    """As container files write a variable that nobody set."""
    default = environ(tmp_path)
    if name == "KEEPTRUSTS_SECRET_KEY":
        del default[name]

    assert read({**default, name: ""}) == read(default)


def test_the_defaults_need_no_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded default, with its data below the working directory."""
    monkeypatch.chdir(tmp_path)

    env = read({})

    assert (env.listen_host, env.listen_port) == ("127.0.0.1", 8080)
    assert env.data_dir == tmp_path / "var"
    assert env.git_schemes == {"https", "ssh"}
    assert (env.database_url, env.redis_url, env.bootstrap_token) == ("", "", "")
    assert (env.git_allowed_networks, env.cors_origins) == ((), ())
    assert (env.min_poll_interval_seconds, env.credential_warning_days) == (10, 14)
    assert env.events_url == "http://127.0.0.1:8080"
    assert (env.gateway_offline_seconds, env.decision_retention_days) == (300, 30)


def test_a_database_server_demands_a_secret_key(tmp_path: Path) -> None:
    """Several processes on several machines must share one, so none is made here."""
    with pytest.raises(EnvError, match=r"^KEEPTRUSTS_SECRET_KEY is not set"):
        read({"KEEPTRUSTS_DATA_DIR": str(tmp_path), "DATABASE_URL": DATABASE})


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "KEEPTRUSTS_GIT_PROXY"])
def test_a_servers_password_is_not_repeated(tmp_path: Path, name: str) -> None:
    """The error of a bad url goes to logs."""
    with pytest.raises(EnvError) as caught:
        read(environ(tmp_path, **{name: "foo://user:hunter2@h:port"}))

    assert "hunter2" not in str(caught.value)


def test_the_data_folder_is_its_owners_alone(tmp_path: Path) -> None:
    """It holds the key and the database."""
    env = read(environ(tmp_path))

    assert stat.S_IMODE(env.data_dir.stat().st_mode) == 0o700


def test_the_secret_key_is_made_once(tmp_path: Path) -> None:
    """A second start reads the first one's, from a file only its owner can read."""
    variables = {"KEEPTRUSTS_DATA_DIR": str(tmp_path)}

    first, second = read(variables), read(variables)

    assert first.secret_keys == second.secret_keys
    assert len(first.secret_keys[0]) >= 32
    assert stat.S_IMODE((tmp_path / "secret-key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret-key"]


def test_processes_that_start_together_share_one_secret(tmp_path: Path) -> None:
    """Whoever is first, all read the same one, and no draft is left."""
    code = (
        "import sys; from pathlib import Path;"
        " from keeptrusts.env.secret_values import secret_file;"
        " sys.stdin.readline(); print(secret_file(Path(sys.argv[1]) / 'secret-key'))"
    )
    starting = [
        subprocess.Popen(
            [sys.executable, "-c", code, tmp_path],
            cwd=Path(__file__).parents[3],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in starting:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()

    found = {process.communicate(timeout=300)[0] for process in starting}

    assert found == {secret_file(tmp_path / "secret-key") + "\n"}
    assert [path.name for path in tmp_path.iterdir()] == ["secret-key"]


def test_no_secret_is_made_beside_a_database(tmp_path: Path) -> None:
    """It would open nothing of what is there, and seal what comes with another key."""
    (tmp_path / "keeptrusts.sqlite3").touch()

    with pytest.raises(EnvError, match=r"secret-key is gone.*restore it"):
        read({"KEEPTRUSTS_DATA_DIR": str(tmp_path)})

    assert [path.name for path in tmp_path.iterdir()] == ["keeptrusts.sqlite3"]


def test_an_empty_secret_file_stops_the_start(tmp_path: Path) -> None:
    """What a full disk or a power cut leaves must not become the key."""
    (tmp_path / "secret-key").write_text("\n")

    with pytest.raises(EnvError, match="secret-key holds no secret"):
        read({"KEEPTRUSTS_DATA_DIR": str(tmp_path)})


SMTP = {"KEEPTRUSTS_SMTP_HOST": "mail.example", "KEEPTRUSTS_SMTP_FROM": "kt@keeptrusts.example"}


def test_a_host_of_mail_is_read(tmp_path: Path) -> None:
    """Over STARTTLS where nothing else is said; its password comes in a file, too."""
    path = tmp_path / "secret"
    path.write_text("hunter2\n")
    found = read(environ(tmp_path, **SMTP)).mailer
    login = {"KEEPTRUSTS_SMTP_USER": "kt", "KEEPTRUSTS_SMTP_PASSWORD_FILE": str(path)}
    known = read(environ(tmp_path, **SMTP, **login))

    sender = SMTP["KEEPTRUSTS_SMTP_FROM"]
    assert found == Mailer("mail.example", 587, True, "", "", sender)
    assert known.mailer == Mailer("mail.example", 587, True, "kt", "hunter2", sender)
    assert "hunter2" not in repr(known)


@pytest.mark.parametrize(
    "given",
    [
        {"KEEPTRUSTS_SMTP_HOST": ""}, {"KEEPTRUSTS_SMTP_HOST": "a b"},
        {"KEEPTRUSTS_SMTP_FROM": ""}, {"KEEPTRUSTS_SMTP_FROM": "a@b.example,c@d.example"},
        {"KEEPTRUSTS_SMTP_PORT": "0"}, {"KEEPTRUSTS_SMTP_STARTTLS": "no"},
        {"KEEPTRUSTS_SMTP_USER": "kt"}, {"KEEPTRUSTS_SMTP_PASSWORD": "hunter2"},
        {"KEEPTRUSTS_SMTP_STARTTLS": "false", "KEEPTRUSTS_SMTP_USER": "kt",
         "KEEPTRUSTS_SMTP_PASSWORD": "hunter2"},
    ],
)  # fmt: skip
def test_a_host_of_mail_that_cannot_be_used(tmp_path: Path, given: dict[str, str]) -> None:
    """The error names the variable, and repeats no secret."""
    with pytest.raises(EnvError, match=next(iter(given))) as caught:
        read(environ(tmp_path, **{**SMTP, **given}))
    assert "hunter2" not in str(caught.value)


OIDC = {
    "KEEPTRUSTS_PUBLIC_URL": "https://kt.example",
    "KEEPTRUSTS_OIDC_ISSUER": "https://login.example/realms/org",
    "KEEPTRUSTS_OIDC_CLIENT_ID": "kt",
}


def test_a_provider_is_read(tmp_path: Path) -> None:
    """With what was left out; a secret comes by itself or in a file, and is in no `repr`."""
    path = tmp_path / "secret"
    path.write_text("hunter2\n")
    found = read(environ(tmp_path, **OIDC)).provider
    by_file = read(environ(tmp_path, **OIDC, KEEPTRUSTS_OIDC_CLIENT_SECRET_FILE=str(path)))

    issuer = OIDC["KEEPTRUSTS_OIDC_ISSUER"]
    usual = ("openid", "profile", "email")
    assert found == Provider(issuer, "kt", "", usual, "login.example")
    assert by_file.provider == Provider(issuer, "kt", "hunter2", usual, "login.example")
    assert "hunter2" not in repr(by_file)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KEEPTRUSTS_OIDC_ISSUER", ""), ("KEEPTRUSTS_OIDC_ISSUER", "login.example"),
        ("KEEPTRUSTS_OIDC_ISSUER", "http://login.example"),
        ("KEEPTRUSTS_OIDC_ISSUER", "https://login.example?a"),
        ("KEEPTRUSTS_OIDC_CLIENT_ID", ""), ("KEEPTRUSTS_OIDC_CLIENT_ID", "a b"),
        ("KEEPTRUSTS_OIDC_CLIENT_SECRET", "hunter2 hunter2"),
        ("KEEPTRUSTS_OIDC_CLIENT_SECRET_FILE", "/nowhere/secret"),
        ("KEEPTRUSTS_OIDC_CLIENT_SECRET_FILE", "/dev/null"),
        ("KEEPTRUSTS_OIDC_SCOPES", "profile"), ("KEEPTRUSTS_OIDC_SCOPES", 'openid "x"'),
        ("KEEPTRUSTS_OIDC_NAME", "a\nb"), ("KEEPTRUSTS_OIDC_NAME", "x" * 61),
        ("KEEPTRUSTS_PUBLIC_URL", ""),
    ],
)  # fmt: skip
def test_a_provider_that_cannot_be_used(tmp_path: Path, name: str, value: str) -> None:
    """Each error names its variable, and repeats no secret."""
    with pytest.raises(EnvError, match=name.removesuffix("_FILE")) as caught:
        read(environ(tmp_path, **{**OIDC, name: value}))

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["ISSUER", "CLIENT_ID", "CLIENT_SECRET", "SCOPES", "NAME"])
def test_half_a_provider_stops_the_start(tmp_path: Path, name: str) -> None:
    """Else nobody would be told why there is no button."""
    with pytest.raises(EnvError, match=r"KEEPTRUSTS_OIDC_(ISSUER|CLIENT_ID): sign-in"):
        read(environ(tmp_path, **{f"KEEPTRUSTS_OIDC_{name}": "openid"}))


SECRETS = {
    "DATABASE_URL": DATABASE, "REDIS_URL": "redis://:hunter2@broker/0",
    "KEEPTRUSTS_SECRET_KEY": KEY,
    "KEEPTRUSTS_BOOTSTRAP_TOKEN": "hunter2" * 5, "KEEPTRUSTS_OIDC_CLIENT_SECRET": "hunter2",
    "KEEPTRUSTS_SMTP_PASSWORD": "hunter2",
}  # fmt: skip


@pytest.mark.parametrize("named", sorted(FILES))
def test_a_secret_is_read_from_a_file(tmp_path: Path, named: str) -> None:
    """As it would be read by itself."""
    name = FILES[named]
    (path := tmp_path / "secret").write_text(f"{SECRETS[name]}\n")
    login = {"KEEPTRUSTS_SMTP_USER": "kt"}
    given = environ(tmp_path, **OIDC, **SMTP, **login, **SECRETS | {"KEEPTRUSTS_SECRET_KEY": KEY})
    by_file = {one: value for one, value in given.items() if one != name} | {named: str(path)}

    assert read(by_file) == read(given)


@pytest.mark.parametrize("named", sorted(FILES))
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "write 1 to 4096 characters"), (b" \n", "write 1 to 4096 characters"),
        (b"hunter2" * 600, "write 1 to 4096 characters"), (b"hunter2\xff", "it is no UTF-8"),
        (None, "No such file"),
    ],
)  # fmt: skip
def test_a_file_that_has_no_secret(
    tmp_path: Path, named: str, content: bytes | None, message: str
) -> None:
    """The start stops with the variable's name first, and repeats nothing of it."""
    if content is not None:
        (tmp_path / "secret").write_bytes(content)

    with pytest.raises(EnvError, match=f"^{named}=.*{message}") as caught:
        read(environ(tmp_path, **{FILES[named]: "", named: str(tmp_path / "secret")}))

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("named", sorted(FILES))
def test_a_secret_is_not_given_twice(tmp_path: Path, named: str) -> None:
    """Nobody could say which of the two counts."""
    with pytest.raises(EnvError, match=f"^{FILES[named]}: set it or {named}, not both"):
        read(environ(tmp_path, **{FILES[named]: SECRETS[FILES[named]], named: "/dev/null"}))


def test_nobody_else_looks_for_what_may_be_in_a_file() -> None:
    """Who reads such a variable from the environment misses the file that has it."""
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    asked = re.compile(rf"""environ(?:\.get\(|\[)["'](?:{"|".join(FILES.values())})["']""")
    readers = {
        str(path.relative_to(ROOT))
        for package in packages["root_packages"]
        for path in (ROOT / package).rglob("*.py")
        if asked.search(path.read_text())
    }

    assert {Path(one).parent for one in readers} == {Path("keeptrusts/env")}
