"""Options and variables that name the models which policies may ask."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec

from kt.cli.errors import CommandError
from kt.gateway.options import ModelSource
from kt.policy.language.forms import FORMS, is_id

_MODELS = "KEEPTRUSTS_GATEWAY_MODELS"
_MODERATIONS = "KEEPTRUSTS_GATEWAY_MODERATIONS"
_KEYS = "KEEPTRUSTS_GATEWAY_MODERATION_KEYS"
_LARGEST_KEY_BYTES = 8192


def add_files(add: Callable[..., object]) -> None:
    """Declare the option of a command that asks models of files alone."""
    add("--model", action="append", metavar="NAME=FILE", help="an ONNX file that the policy asks")


def read_files(given: Iterable[str]) -> tuple[ModelSource, ...]:
    """The models of files that options name.

    Raises:
        CommandError: a name is none or is given twice, or a file cannot be used.
    """
    files = _pairs(given, "--model NAME=FILE")
    found = tuple(ModelSource(name, file=_file(name, path)) for name, path in files.items())
    check_extra(found)
    return found


def add_models(add: Callable[..., object]) -> None:
    """Declare the options that name models, with `add_argument`."""
    add("--model", action="append", metavar="NAME=FILE",
        help=f"an ONNX file that policies may ask; also {_MODELS}, comma-separated")  # fmt: skip
    add("--moderation", action="append", metavar="NAME=URL",
        help=f"an endpoint that they may ask; also {_MODERATIONS}, comma-separated")  # fmt: skip
    add("--moderation-key", action="append", metavar="NAME=FILE",
        help=f"a file with its credential; also {_KEYS}, as NAME=KEY")  # fmt: skip


def read_models(
    given: argparse.Namespace, environment: Mapping[str, str]
) -> tuple[ModelSource, ...]:
    """The models that the options name, and else the variables.

    Raises:
        CommandError: a name is none or is given twice, or a file or an address cannot be used.
    """
    files = _pairs(given.model or _listed(environment, _MODELS), "--model NAME=FILE")
    urls = _pairs(given.moderation or _listed(environment, _MODERATIONS), "--moderation NAME=URL")
    keys = _pairs(_listed(environment, _KEYS), f"{_KEYS}: NAME=KEY")
    key_files = _pairs(given.moderation_key or (), "--moderation-key NAME=FILE")
    for name in files.keys() & urls.keys():
        raise CommandError(f"--model and --moderation both name {name}")
    for name in key_files.keys() - urls.keys():
        raise CommandError(f"--moderation-key: no --moderation names {name}")
    found = (
        *(ModelSource(name, file=_file(name, path)) for name, path in files.items()),
        *(
            ModelSource(name, url=_url(name, url), key=_key(name, key_files, keys))
            for name, url in urls.items()
        ),
    )
    check_extra(found)
    return found


def _listed(environment: Mapping[str, str], variable: str) -> list[str]:
    return [one.strip() for one in environment.get(variable, "").split(",") if one.strip()]


def _pairs(texts: Iterable[str], usage: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not value or not is_id(name):
            # What stands behind the name may be a credential.
            raise CommandError(f"{usage}: not {name!r}; a name is {FORMS['id'].words}")
        if name in found:
            raise CommandError(f"{usage}: {name} is given twice")
        found[name] = value
    return found


def _file(name: str, path: str) -> str:
    if not os.path.isfile(path):
        raise CommandError(f"--model {name}: there is no file {path}")
    return os.path.abspath(path)


def _url(name: str, url: str) -> str:
    form = FORMS["url"]
    if not form.accepts(url):
        raise CommandError(f"--moderation {name}: {url!r} is not {form.words}")
    return url


def _key(name: str, files: Mapping[str, str], keys: Mapping[str, str]) -> str:
    """The credential of an endpoint, "" where there is none; a file is meant before a variable."""
    where, key = _KEYS, keys.get(name, "")
    if name in files:
        where = files[name]
        try:
            with open(where, "rb") as file:
                key = file.read(_LARGEST_KEY_BYTES).decode("latin-1").strip()
        except OSError as exc:
            raise CommandError(f"--moderation-key {name}: {where}: {exc.strerror}") from exc
        if not key:
            raise CommandError(f"--moderation-key {name}: {where} is empty")
    if not (key.isascii() and key.isprintable()):
        raise CommandError(f"the credential of {name} in {where} must be printable ASCII")
    return key


def check_extra(models: Iterable[ModelSource]) -> None:
    """Say how to get what models of files need, where it is not installed.

    Raises:
        CommandError: it is not.
    """
    missing = [name for name in ("onnxruntime", "tokenizers") if find_spec(name) is None]
    if missing and any(one.file for one in models):
        from kt.cli.models.extra import command

        message = f"--model needs {missing[0]}, which kt was installed without: {command('onnx')}"
        raise CommandError(message)
