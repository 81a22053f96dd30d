"""Packs before a judge: what a forge sent is read where nothing else is, and cannot do much."""

import contextlib
from collections.abc import Iterator, Sequence

import structlog

from gitrepos.snapshot.packs import reading
from gitrepos.snapshot.packs.reading import BlobsReading, CommitReading
from keeptrusts.judge import wire
from keeptrusts.judge.asking import Asker, ask
from keeptrusts.judge.errors import CrashedError, CrowdedError, JudgeFailedError, TooCostlyError

log = structlog.get_logger(__name__)

_LEFT = "a pack is left to git"
# Over twice what the costliest pack takes; git has to come in time where it takes more.
_ASKER = Asker(seconds=5.0)
# Beside the pack a question has names, those of a thousand links.
_OTHERS_BYTES = 1024 * 1024


class JudgedPacks:
    """The reader of packs that asks a judge; see `gitrepos.snapshot.unpacker.PackUnpacker`.

    Whatever keeps a judge from an answer leaves the pack to git, whose bounds are its own.
    """

    most_bytes = wire.MAX_QUESTION_BYTES - _OTHERS_BYTES

    def commit(self, pack: bytes, head: str, names: Sequence[bytes]) -> CommitReading | None:
        """The commit `head` of a pack, with its entries at `names`."""
        with _leaving_to_git():
            answer = ask(_ASKER, reading.commit, pack, head, tuple(names))
            if isinstance(answer, CommitReading):
                return answer
            log.info(_LEFT, reason=answer)
        return None

    def blobs(self, pack: bytes, wanted: Sequence[str]) -> BlobsReading | None:
        """The blobs `wanted` of a pack."""
        with _leaving_to_git():
            answer = ask(_ASKER, reading.blobs, pack, tuple(wanted))
            if isinstance(answer, BlobsReading):
                return answer
            log.info(_LEFT, reason=answer)
        return None


@contextlib.contextmanager
def _leaving_to_git() -> Iterator[None]:
    """Say why there is no answer."""
    try:
        yield
    except CrashedError as exc:
        log.error("the reader of packs crashed", traceback=str(exc))  # noqa: TRY400 - another's
    except (CrowdedError, JudgeFailedError, TooCostlyError) as exc:
        log.warning(_LEFT, reason=str(exc))
