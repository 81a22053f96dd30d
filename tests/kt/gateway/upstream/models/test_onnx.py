"""Models of files: tiny ones that are loaded and asked, and all that must not be believed."""

from __future__ import annotations

import asyncio
import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from kt.gateway.options import ModelSource, Timeouts
from kt.gateway.upstream.connections import Upstream
from kt.gateway.upstream.models.asking import Models
from kt.gateway.upstream.models.backend import NoScoreError
from kt.gateway.upstream.models.onnx.classes import Classes, read_classes
from kt.gateway.upstream.models.onnx.external import BadModelError, check_self_contained
from kt.gateway.upstream.models.onnx.model import FileModel
from kt.gateway.upstream.models.onnx.process import ModelBounds, ModelProcess
from kt.policy.decision import Answer, Question
from tests.kt.gateway.support import until
from tests.kt.gateway.upstream.models.onnxfiles import (
    CONFIG,
    IDS,
    INT64,
    LOGITS,
    SCORING,
    allocating,
    classifier,
    field,
    graph,
    hanging,
    inner,
    model,
    node,
    value,
    weights,
    write,
)

BOUNDS = ModelBounds(threads=1)
# Of the system's bounds on processor time, which it counts in whole seconds.
SLOW = ModelBounds(threads=1, wall_seconds=2)


def loaded(folder: Path, data: bytes, **beside: Any) -> FileModel:
    """A model that is loaded in this process."""
    file, digest = write(folder, data, **beside)
    return FileModel(Path(file), digest, 1)


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("good", 0.0001),
        ("bad", 0.7311),
        ("worse", 0.9526),
        ("bad and WORSE", 0.9526),
        ("x", 0.0001),
    ],
)
def test_a_text_scores_by_label(tmp_path: Path, text: str, bad: float) -> None:
    """Of two labels the second counts by itself."""
    scores, default = loaded(tmp_path, classifier()).scores(text)

    assert scores["BAD"] == pytest.approx(bad, abs=1e-3)
    assert default == "BAD"
    assert scores.keys() == {"SAFE", "BAD"}


@pytest.mark.parametrize("place", [0, 500, 511, 512, 3000])
def test_a_text_longer_than_a_window_is_read_to_its_end(tmp_path: Path, place: int) -> None:
    """The worst window counts."""
    words = ["good"] * 3001
    words[place] = "worse"
    scores, _ = loaded(tmp_path, classifier()).scores(" ".join(words))
    assert scores["BAD"] == pytest.approx(0.9526, abs=1e-3)


def test_a_text_that_is_no_unicode_is_read_all_the_same(tmp_path: Path) -> None:
    """JSON can hold half of a surrogate pair."""
    scores, _ = loaded(tmp_path, classifier()).scores("worse \ud800")
    assert scores["BAD"] > 0.9


def test_a_tokenizers_own_padding_and_bounds_do_not_count(tmp_path: Path) -> None:
    """What it was exported with would cut the text off."""
    words = json.loads((Path(write(tmp_path, b"")[0]).parent / "tokenizer.json").read_text())
    words["truncation"] = {
        "direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0,
    }  # fmt: skip
    made = loaded(tmp_path, classifier(), words=words)
    assert made.scores("good " * 20 + "worse")[0]["BAD"] > 0.9


OUTSIDE = field(13, field(1, "location") + field(2, "/etc/passwd"))
LOCATED = field(14, 1)
NESTED = model(
    graph(
        [node("If", "yes", "logits", inner("then_branch", graph([], [weights(LOCATED)], [], [])))],
        [], [IDS], [LOGITS],
    )
)  # fmt: skip
IN_ATTRIBUTE = model(
    graph(
        [node("Constant", "", "rows", field(1, "value") + field(5, weights(OUTSIDE)))],
        [], [IDS], [LOGITS],
    )
)  # fmt: skip
IN_SPARSE = model(graph(SCORING, [], [IDS], [LOGITS]) + field(15, field(1, weights(LOCATED))))
IN_FUNCTION = classifier() + field(
    25, field(7, node("Constant", "", "a", field(1, "v") + field(10, weights(LOCATED))))
)
IN_TRAINING = classifier() + field(20, field(1, graph([], [weights(OUTSIDE)], [], [])))
BAD_FILES = {
    "empty": (b"", "no ONNX file"),
    "text": (b"This is no model.", "no ONNX file"),
    "zeros": (bytes(4096), "no ONNX file"),
    "noise": (sha256(b"").digest() * 100, "no ONNX file"),
    "cut off": (classifier()[:-20], "no ONNX file"),
    "without a graph": (field(1, 8), "no ONNX file"),
    "graph that is a number": (field(7, 5), "no ONNX file"),
    "data outside": (classifier(OUTSIDE), "data in other files"),
    "location outside": (classifier(LOCATED), "data in other files"),
    "data outside in a branch": (NESTED, "data in other files"),
    "data outside in an attribute": (IN_ATTRIBUTE, "data in other files"),
    "data outside in sparse numbers": (IN_SPARSE, "data in other files"),
    "data outside in a function": (IN_FUNCTION, "data in other files"),
    "data outside for training": (IN_TRAINING, "data in other files"),
    "unknown operator": (
        model(graph([node("Nothing", "input_ids", "logits")], [], [IDS], [LOGITS])),
        "cannot be loaded",
    ),
    "other inputs": (
        classifier(inputs=[IDS, value("pixel_values", INT64, 1)]),
        "inputs input_ids, pixel_values",
    ),
}


@pytest.mark.parametrize(("data", "reason"), BAD_FILES.values(), ids=BAD_FILES)
def test_what_is_no_model_is_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    """With the reason, and before anything of it runs."""
    with pytest.raises(BadModelError, match=reason):
        loaded(tmp_path, data)


def test_a_model_that_stands_whole_in_its_file_is_taken() -> None:
    """A location that says so too."""
    check_self_contained(classifier())
    check_self_contained(classifier(field(14, 0)))


def test_deep_nesting_is_looked_through() -> None:
    """Without the stack of Python."""
    deep = graph([], [weights(LOCATED)], [], [])
    for _ in range(3000):
        deep = graph([node("If", "", "", inner("then_branch", deep))], [], [], [])
    with pytest.raises(BadModelError, match="data in other files"):
        check_self_contained(model(deep))


def test_another_files_hash_is_refused(tmp_path: Path) -> None:
    """The policy's hash is that of the bytes that are loaded."""
    file, _ = write(tmp_path, classifier())
    with pytest.raises(BadModelError, match="its sha256 is"):
        FileModel(Path(file), "0" * 64, 1)


def test_files_that_are_too_large_or_none_are_refused(tmp_path: Path) -> None:
    """Without reading them: one is a hole of 3 GiB, one would never answer."""
    file, digest = write(tmp_path, b"")
    os.truncate(file, 3 << 30)
    with pytest.raises(BadModelError, match="larger than"):
        FileModel(Path(file), digest, 1)
    os.remove(file)
    with pytest.raises(BadModelError, match="No such file"):
        FileModel(Path(file), digest, 1)
    with pytest.raises(BadModelError, match="no regular file"):
        FileModel(Path("/dev/zero"), digest, 1)


@pytest.mark.parametrize("words", ["[]", "{", '{"model": {}}'])
def test_a_tokenizer_that_is_none_is_refused(tmp_path: Path, words: str) -> None:
    """As is one that is not there."""
    file, digest = write(tmp_path, classifier())
    beside = tmp_path / "tokenizer.json"
    beside.write_text(words)
    with pytest.raises(BadModelError, match=r"tokenizer.json beside it"):
        FileModel(Path(file), digest, 1)
    beside.unlink()
    with pytest.raises(BadModelError, match=r"tokenizer.json: No such file"):
        FileModel(Path(file), digest, 1)


@pytest.mark.parametrize(
    ("config", "outputs", "scores", "default"),
    [
        (None, [0.0, 0.0], {"LABEL_0": 0.5, "LABEL_1": 0.5}, "LABEL_1"),
        (CONFIG, [0.0, 0.0], {"SAFE": 0.5, "BAD": 0.5}, "BAD"),
        (CONFIG, [-800.0, 800.0], {"SAFE": 0.0, "BAD": 1.0}, "BAD"),
        ({"id2label": {"0": "toxic"}}, [0.0], {"toxic": 0.5}, "toxic"),
        ({}, [-800.0], {"LABEL_0": 0.0}, "LABEL_0"),
        ({}, [0.0] * 3, {f"LABEL_{n}": pytest.approx(1 / 3) for n in range(3)}, None),
        (
            {"problem_type": "multi_label_classification", **CONFIG},
            [0.0, 800.0], {"SAFE": 0.5, "BAD": 1.0}, None,
        ),
    ],
)  # fmt: skip
def test_outputs_become_scores(
    config: Any, outputs: list[float], scores: dict[str, Any], default: str | None
) -> None:
    """Shares of one, unless several labels may hold at once."""
    classes = read_classes(None if config is None else json.dumps(config).encode())
    assert classes.scores(outputs) == scores
    assert classes.default(len(outputs)) == default


@pytest.mark.parametrize(
    "config", ["", "[]", "1", '{"id2label": []}', '{"id2label": {"a": "b"}}',
               '{"id2label": {"0": "a", "1": "a"}}', "[" * 100_000],
)  # fmt: skip
def test_a_config_that_is_none_is_refused(config: str) -> None:
    """Rather than that a label is another one than the policy means."""
    with pytest.raises(BadModelError):
        read_classes(config.encode())


@pytest.mark.parametrize("outputs", [[], [float("nan")], [float("inf"), 0.0], [0.0] * 1001])
def test_outputs_that_are_no_numbers_are_no_scores(outputs: list[float]) -> None:
    """A NaN is below every threshold."""
    with pytest.raises(BadModelError):
        Classes({}).scores(outputs)


def ask(process: ModelProcess, *texts: str) -> Any:
    """The scores of texts, or why there are none."""

    async def asked() -> Any:
        try:
            return [one.score(()) for one in await process.scores(texts)]
        except NoScoreError as exc:
            return str(exc)

    return asked()


def test_a_process_answers_and_ends(tmp_path: Path) -> None:
    """One process for all questions, which has nothing of the gateway's variables."""
    file, digest = write(tmp_path, classifier())
    os.environ["SECRET_OF_THE_TEST"] = "x"

    async def run() -> tuple[Any, set[int], bytes]:
        process = ModelProcess(file, digest, BOUNDS)
        found = [await ask(process, "good", "worse") for _ in range(3)]
        child = process._process
        assert child is not None
        variables = Path(f"/proc/{child.pid}/environ").read_bytes()
        await process.close()
        return found, {child.pid}, variables

    found, (pid,), variables = asyncio.run(run())
    assert found == [[pytest.approx(0.0001, abs=1e-3), pytest.approx(0.9526, abs=1e-3)]] * 3
    assert b"SECRET_OF_THE_TEST" not in variables
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    ("data", "bounds", "reason"),
    [
        (b"garbage", BOUNDS, "no ONNX file"),
        (hanging(), SLOW, "it took longer than 2 s, and was ended"),
        (hanging(), ModelBounds(threads=1, cpu_seconds=1), "its process died"),
        (allocating(), BOUNDS, "it fails|too much memory|died"),
        (classifier(), ModelBounds(threads=1, base_memory_bytes=1 << 20), "died|memory"),
        (classifier(), ModelBounds(threads=1, load_seconds=0.01), "longer than 0.01 s"),
    ],
    ids=["garbage", "hangs", "counts for ever", "allocates", "no memory", "slow to load"],
)
def test_a_model_that_fails_gives_no_answer(
    tmp_path: Path, data: bytes, bounds: ModelBounds, reason: str
) -> None:
    """In time, and no process is left."""
    import re

    file, digest = write(tmp_path, data)

    async def run() -> tuple[str, int | None]:
        process = ModelProcess(file, digest, bounds)
        found = await ask(process, "worse")
        child = process._process
        await process.close()
        return found, child.pid if child else None

    found, pid = asyncio.run(run())
    assert re.search(reason, found), found
    assert pid is None or not Path(f"/proc/{pid}").exists()


def test_a_process_that_dies_is_begun_anew_after_a_pause(tmp_path: Path) -> None:
    """Until then there is no answer, and the reason is known."""
    file, digest = write(tmp_path, classifier())

    async def run() -> list[Any]:
        process = ModelProcess(file, digest, BOUNDS)
        found = [await ask(process, "worse")]
        assert process._process is not None
        process._process.kill()
        await process._process.wait()
        # It is known to be gone, so a new one is begun at once.
        found.append(await ask(process, "worse"))
        os.rename(file, f"{file}.away")
        assert process._process is not None
        process._process.kill()
        await process._process.wait()
        found += [await ask(process, "worse"), await ask(process, "worse"), process.problem]
        os.rename(f"{file}.away", file)
        process._rests_until = 0.0
        found += [await ask(process, "worse"), process.problem]
        await process.close()
        return found

    good, again, *gone, back, problem = asyncio.run(run())
    assert good == again == back == [pytest.approx(0.9526, abs=1e-3)]
    assert set(gone) == {"it cannot be begun: No such file or directory"}
    assert problem == ""


def test_whoever_gives_up_leaves_the_process_to_its_work(tmp_path: Path) -> None:
    """The next question waits for its turn, and finds the same process."""
    file, digest = write(tmp_path, classifier())

    async def run() -> tuple[Any, bool]:
        process = ModelProcess(file, digest, BOUNDS)
        await process.begin()
        child = process._process
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await process.scores(["good " * 50_000])
        found = await ask(process, "worse")
        same = process._process is child
        await process.close()
        return found, same

    assert asyncio.run(run()) == ([pytest.approx(0.9526, abs=1e-3)], True)


def answered(source: ModelSource, *questions: Question) -> tuple[list[Answer], list[str]]:
    """The answers of models to questions, and the problems then."""

    async def run() -> tuple[list[Answer], list[str]]:
        models = Models([source], Upstream(Timeouts()), lambda *_: None, BOUNDS)
        found = [await models.answer(one) for one in questions]
        problems = models.problems()
        await models.close()
        return found, problems

    return asyncio.run(run())


def test_a_policy_pins_the_file_that_it_asks(tmp_path: Path) -> None:
    """One without a sha256, or with another one, has no answer; labels are the model's."""
    file, digest = write(tmp_path, classifier())
    source = ModelSource("guard", file=file)
    asked = [
        Question("guard", digest, labels, ("worse",), 30.0)
        for labels in ((), ("SAFE",), ("SAFE", "BAD"), ("TOXIC",))
    ]
    found, problems = answered(source, *asked)
    bad, safe = pytest.approx(0.9526, abs=1e-3), pytest.approx(0.0474, abs=1e-3)
    assert found == [(bad,), (safe,), (bad,), None]
    assert problems == []

    wrong = [Question("guard", sha, (), ("worse",), 30.0) for sha in ("", "0" * 64)]
    found, problems = answered(source, *wrong)
    assert found == [None, None]
    assert problems == [f"model guard: its sha256 is {digest}, and not the policy's"]


def test_a_process_ends_with_its_gateway(tmp_path: Path) -> None:
    """However that ends: a killed one leaves no model behind."""
    import subprocess
    import sys

    file, digest = write(tmp_path, classifier())
    code = (
        "import asyncio, sys\n"
        "from kt.gateway.upstream.models.onnx.process import ModelBounds, ModelProcess\n"
        "async def run():\n"
        f"    process = ModelProcess({file!r}, {digest!r}, ModelBounds(threads=1))\n"
        "    await process.begin()\n"
        "    print(process._process.pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(run())\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    until(lambda: not Path(f"/proc/{pid}/exe").exists(), 60)
