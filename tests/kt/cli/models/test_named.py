"""Models that options and variables name, and what is said of those that cannot be."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from kt.cli.errors import CommandError
from kt.cli.models import named
from kt.gateway.options import ModelSource

URL = "https://api.example.com/v1/moderations"
AZURE = "https://a.example.com/contentsafety/text:analyze?api-version=2024-09-01"


def read(
    *, model: list[str] | None = None, moderation: list[str] | None = None,
    key: list[str] | None = None, **environment: str,
) -> tuple[ModelSource, ...]:  # fmt: skip
    """The models of a command's options and variables."""
    given = argparse.Namespace(model=model, moderation=moderation, moderation_key=key)
    variables = {f"KEEPTRUSTS_GATEWAY_{name}": text for name, text in environment.items()}
    return named.read_models(given, variables)


def test_options_name_files_and_endpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file's name is whole, whatever the folder is later; a key is not shown."""
    (tmp_path / "a.onnx").write_bytes(b"")
    (tmp_path / "key").write_text("s3cret\n")
    monkeypatch.chdir(tmp_path)
    found = read(model=["a=a.onnx"], moderation=[f"b={URL}", f"c={AZURE}"], key=["b=key"])

    assert found == (
        ModelSource("a", file=str(tmp_path / "a.onnx")),
        ModelSource("b", url=URL, key="s3cret"),
        ModelSource("c", url=AZURE),
    )
    assert "s3cret" not in repr(found)


def test_variables_stand_in_for_options(tmp_path: Path) -> None:
    """Comma-separated; an option is meant before them."""
    file = tmp_path / "a.onnx"
    file.write_bytes(b"")
    variables = {
        "MODELS": f"a={file}, b={file}", "MODERATIONS": f"c={URL},", "MODERATION_KEYS": "c=k=1",
    }  # fmt: skip
    assert [one.name for one in read(**variables)] == ["a", "b", "c"]
    assert read(**variables)[2].key == "k=1"
    assert [one.name for one in read(model=[f"d={file}"], **variables)] == ["d", "c"]
    assert read() == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": ["a"]}, "--model NAME=FILE: not 'a'"),
        ({"model": ["a="]}, "--model NAME=FILE: not 'a'"),
        ({"model": ["A=x"]}, "--model NAME=FILE: not 'A'"),
        ({"model": ["a=/nowhere"]}, "--model a: there is no file /nowhere"),
        ({"model": ["a=/"]}, "--model a: there is no file /"),
        ({"moderation": ["a=ftp://x/y"]}, "--moderation a: 'ftp://x/y' is not an http"),
        ({"moderation": ["a=https://u:p@x/y"]}, "--moderation a: 'https://u:p@x/y' is not"),
        ({"moderation": [f"a={URL}", f"a={URL}"]}, "a is given twice"),
        ({"moderation": [f"a={URL}"], "model": ["a=/etc/hosts"]}, "both name a"),
        ({"moderation": [f"a={URL}"], "key": ["a=/nowhere"]}, "/nowhere: No such file"),
        ({"moderation": [f"a={URL}"], "key": ["a=/dev/null"]}, "/dev/null is empty"),
        ({"moderation": [f"a={URL}"], "key": ["b=/etc/hosts"]}, "no --moderation names b"),
        ({"moderation": [f"a={URL}"], "MODERATION_KEYS": "a=\u00e9"}, "must be printable ASCII"),
        ({"MODERATION_KEYS": "s3cret"}, "KEEPTRUSTS_GATEWAY_MODERATION_KEYS: NAME=KEY"),
    ],
)
def test_what_cannot_be_used_is_told(options: dict[str, str], message: str) -> None:
    """With the option that is meant."""
    with pytest.raises(CommandError) as told:
        read(**options)  # type: ignore[arg-type]
    assert message in str(told.value)


def test_what_files_need_is_told_where_it_is_not_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the line that brings it; an endpoint needs nothing."""
    monkeypatch.setattr(named, "find_spec", lambda _: None)
    with pytest.raises(CommandError, match=r"--model needs onnxruntime.*\[onnx\]"):
        read(model=["a=/etc/hosts"])
    assert len(read(moderation=[f"a={URL}"])) == 1


POLICY = """\
pack: {{name: p, version: 1.0.0, enabled: true}}
policies: {{chain: [classifier]}}
policy: {{classifier: {{model: guard, sha256: "{digest}", stage: pre-request}}}}
testing:
  require_model_cases: true
  suites:
    - name: s
      cases:
        - name: bad
          input: {{messages: [{{role: user, content: worse}}]}}
          expected: {{verdict: escalate, reason_code: classifier.detected}}
        - name: good
          input: {{messages: [{{role: user, content: good}}]}}
          expected: {{verdict: allow}}
"""


@pytest.mark.parametrize("command", ["test", "score"])
def test_commands_ask_the_model_that_they_are_given(
    files: Path, kt: Callable[..., tuple[int, str, str]], command: str
) -> None:
    """And end with an error where it cannot be asked."""
    from tests.kt.gateway.upstream.models.onnxfiles import classifier, write

    file, digest = write(files / "m", classifier())
    policy = files / "own" / "policy-config.yaml"
    policy.parent.mkdir()
    policy.write_text(POLICY.format(digest=digest))
    lines = '{"text": "worse", "label": "pos"}\n{"text": "good", "label": "neg"}\n'
    (files / "texts.jsonl").write_text(lines)
    call = ["policy", "test", str(policy)]
    if command == "score":
        call = ["policy", "score", "texts.jsonl", "--policy", str(policy)]

    status, out, err = kt(*call, "--model", f"guard={file}")
    assert (status, err) == (0, "")
    assert ("2 passed, 0 failed" if command == "test" else "1.000") in out

    status, out, err = kt(*call)
    if command == "test":
        assert (status, out.splitlines()[-1]) == (1, "0 passed, 2 failed")
    else:
        assert (status, err.split("; ")[-1]) == (2, "give --model guard=FILE\n")

    policy.write_text(POLICY.format(digest="0" * 64))
    status, _, err = kt(*call, "--model", f"guard={file}")
    assert status == 2
    assert f"--model guard: no answer: its sha256 is {digest}" in err
