"""A Dockerfile as stages of instructions, and the files that its context has. Pure.

It reads what ours are written in, and refuses all else: flags of `RUN`, heredocs, `ADD`.

Source: the reference of Dockerfiles.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

_KNOWN = {
    "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "RUN",
    "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
}  # fmt: skip
_PAIR = re.compile(r"""([\w.]+)=("[^"]*"|\S+)""")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One of a stage: its name, and what is behind that, on one line."""

    name: str
    text: str

    def words(self) -> list[str]:
        """The words of the exec form, in which no shell stands between."""
        words = json.loads(self.text)
        assert isinstance(words, list) and all(isinstance(word, str) for word in words), self
        return words

    def pairs(self) -> dict[str, str]:
        """The names and values of `ENV` and `LABEL`."""
        assert not _PAIR.sub("", self.text).strip(), self
        return {name: value.strip('"') for name, value in _PAIR.findall(self.text)}


@dataclass(slots=True)
class Stage:
    """A stage, and the stage or image that it begins with."""

    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)

    def last(self, name: str) -> Instruction | None:
        """The instruction of that name that counts."""
        return next((one for one in reversed(self.instructions) if one.name == name), None)


def parse(text: str) -> dict[str, Stage]:
    """The stages by name, in their order. `ARG`s before the first have their defaults."""
    stages: dict[str, Stage] = {}
    defaults: dict[str, str] = {}
    stage = None
    for name, rest in _lines(text):
        if name == "FROM":
            base, _, own = rest.partition(" AS ")
            stage = stages[own] = Stage(own, expanded(base, defaults))
            assert own, rest
        elif stage is None:
            assert name == "ARG", name
            key, _, value = rest.partition("=")
            defaults[key] = value
        else:
            assert name in _KNOWN and not (name == "RUN" and rest.startswith("--")), (name, rest)
            stage.instructions.append(Instruction(name, rest))
    return stages


def _lines(text: str) -> Iterable[tuple[str, str]]:
    told = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in re.sub(r"\\\n\s*", " ", told).splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            yield name, re.sub(r"\s{2,}", " ", rest).strip()


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """A text with the variables that it names; one that is not set is an error."""
    return re.sub(r"\$\{(\w+)\}|\$(\w+)", lambda found: variables[found[1] or found[2]], text)


def lineage(stages: Mapping[str, Stage], name: str) -> list[Stage]:
    """A stage after those that it begins with, the first of which begins with an image."""
    stage = stages[name]
    return [*(lineage(stages, stage.base) if stage.base in stages else []), stage]


def context(ignored: str, files: Sequence[str]) -> list[str]:
    """What a `.dockerignore` that begins with `*` leaves of a checkout's files."""
    lines = [line for line in ignored.splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*", "what is not named is not taken"
    taken = [line.removeprefix("!") for line in lines[1:] if line.startswith("!")]
    left = [line.removeprefix("**/") for line in lines[1:] if not line.startswith("!")]
    assert not any(re.search(r"[*?\[]", line) for line in taken + left), lines
    return [
        file
        for file in files
        if any(file == one or file.startswith(f"{one}/") for one in taken)
        and not set(left) & set(PurePosixPath(file).parts)
    ]
