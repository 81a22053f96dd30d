"""The configuration by which git reaches a server over https. A table."""

import subprocess
from pathlib import Path

import pytest

from gitrepos.forge import proxy
from gitrepos.forge.git import complaints, https_config
from gitrepos.forge.proxy import DIRECT

HTTP = "http://alice:s%40c%22ret@proxy.example:3128"


def read(text: str, folder: Path) -> dict[str, str]:
    """What git reads in it."""
    file = folder / "config"
    file.write_text(f"[http]\n{text}")
    done = subprocess.run(
        ["git", "config", "--file", file, "--list", "-z"], capture_output=True, check=True
    )
    return dict(line.split("\n", 1) for line in done.stdout.decode().split("\0")[:-1])


@pytest.mark.parametrize(
    ("setting", "ca_file", "expected"),
    [
        ("", "", {}),
        (HTTP, "", {"http.proxy": HTTP, "http.proxyauthmethod": "basic"}),
        ("https://proxy.example:443", "",
         {"http.proxy": "https://proxy.example:443", "http.proxyauthmethod": "basic"}),
    ],
)  # fmt: skip
def test_a_proxy_is_named_with_its_login(
    setting: str, ca_file: str, expected: dict[str, str], tmp_path: Path
) -> None:
    """And nothing else is said of it."""
    config = https_config.config(proxy.read(setting), ca_file=ca_file, keep=lambda _: "/nowhere")

    assert read(config, tmp_path) == expected


def test_an_https_proxy_has_the_systems_authorities_besides(tmp_path: Path) -> None:
    """Those of the operator's file would take their place."""
    ca_file = tmp_path / 'an "odd" name.pem'
    ca_file.write_bytes(b"our own")
    kept: list[bytes] = []

    def keep(content: bytes) -> str:
        kept.append(content)
        return "/kept"

    config = https_config.config(
        proxy.read("https://proxy.example:443"), ca_file=str(ca_file), keep=keep
    )

    found = read(config, tmp_path)
    assert (found["http.sslcainfo"], found["http.proxysslcainfo"]) == (str(ca_file), "/kept")
    assert kept[0].endswith(b"our own")


WORDS = [
    "Received HTTP code 407 from proxy after CONNECT",
    "CONNECT tunnel failed, response 403",
    "Proxy CONNECT aborted",
    "Could not resolve proxy: proxy.example",
    "Failed to connect to proxy.example port 3128 after 2 ms: Couldn't connect to server",
    "The requested URL returned error: 407",
]


@pytest.mark.parametrize("words", WORDS)
def test_complaints_of_the_proxy_blame_it(words: str) -> None:
    """As libcurl has them, in its versions."""
    said = complaints.naming(proxy.read(HTTP), f"fatal: unable to access 'https://x/': {words}")

    assert complaints.translated(128, said, is_late=False).code == "proxy_failed"


@pytest.mark.parametrize("through", [DIRECT, proxy.read(HTTP)])
def test_complaints_of_the_forge_do_not(through: proxy.Proxy) -> None:
    """Nor those of a forge that is called directly."""
    said = "fatal: unable to access 'https://x/': Failed to connect to git.example port 3128 after"

    complaint = complaints.naming(through, said)

    assert complaints.translated(128, complaint, is_late=False).code == "unreachable"
