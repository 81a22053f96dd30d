"""Signed notes, against the examples of their specifications and against alteration."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kt.evidence import notes
from kt.evidence.notes import COSIGNATURE, Checkpoint, Note, NoteError, Verifier

_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
_BODY = Checkpoint("log.example/1", 7, b"\x05" * 32).body()
# Of Go's package golang.org/x/mod/sumdb/note, its documentation.
_GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
_GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6"
    "KE6RyyBwJnAM=\n"
)


def _signed() -> Note:
    note = Note(_BODY).signed_also(notes.sign(_BODY, "log.example", _KEY))
    return note.signed_also(notes.cosign(_BODY, "witness.example", _OTHER, at=1_700_000_000))


def _log() -> Verifier:
    return Verifier("log.example", notes.public_of(_KEY))


def _witness() -> Verifier:
    return Verifier("witness.example", notes.public_of(_OTHER), COSIGNATURE)


def test_a_note_of_another_implementation_is_verified() -> None:
    """The key's id, the form of the lines and what is signed."""
    key = notes.verifier(_GO_KEY)

    assert key.text() == _GO_KEY
    assert key.signed_at(notes.read(_GO_NOTE)) == 0
    assert notes.read(_GO_NOTE).text() == _GO_NOTE
    assert key.signed_at(notes.read(_GO_NOTE.replace("answer", "cause"))) is None


def test_a_log_and_a_witness_sign_a_checkpoint() -> None:
    """Each is verified by its own key, the witness's with its time."""
    note = notes.read(_signed().text())

    assert notes.checkpoint(note.body) == Checkpoint("log.example/1", 7, b"\x05" * 32)
    assert (_log().signed_at(note), _witness().signed_at(note)) == (0, 1_700_000_000)
    for key in (_log(), _witness()):
        assert notes.verifier(key.text()) == key


def test_no_bit_of_a_note_can_be_altered() -> None:
    """Of the text and the signatures; what is no note any more is refused."""
    data = _signed().text().encode()
    for at in range(len(data)):
        for bit in (1, 32):
            altered = data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
            try:
                note = notes.read(altered.decode())
            except (NoteError, UnicodeDecodeError):
                continue
            assert None in (_log().signed_at(note), _witness().signed_at(note))


@pytest.mark.parametrize(
    "text",
    [
        "", "a", "a\n", "a\n\n", "a\n\nb\n", "a\n\n— n AAAA\n", "a\n\n— n !\n",
        "a\r\n\n— n AAAAAAAA\n",
        "a\n\n— n AAAAAAAA", "x" * (1 << 21),
    ],
)  # fmt: skip
def test_no_other_text_is_a_note(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(NoteError):
        notes.read(text)


@pytest.mark.parametrize(
    "body", ["", "a\n", "a\n1\n", "a\n01\nAAAA\n", "a\n1\nAAAA\n", "\n1\nAAAA\n"]
)
def test_no_other_text_is_a_checkpoint(body: str) -> None:
    """A name, a size without leading zeros, 32 bytes."""
    with pytest.raises(NoteError):
        notes.checkpoint(body)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a+b+c",
        "log.example+00000000+" + base64.b64encode(b"\x01" * 33).decode(),
        "a b+00000000+AQ==",
    ],
)
def test_no_other_text_is_a_key(text: str) -> None:
    """The id must be that of the key."""
    with pytest.raises(NoteError):
        notes.verifier(text)
