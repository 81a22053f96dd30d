"""Answers in gzip and zstd."""

import gzip
import sys

import pytest

from keeptrusts.serving.answers import JSON, Answer
from keeptrusts.serving.encodings import Encoder, chosen, plain

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_BODY = b'{"data": "' + b"x" * 5000 + b'"}'
_OPEN = {"gzip": gzip.decompress, "zstd": zstd.decompress, "": bytes}


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("", ""),
        ("identity", ""),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("zstd;q=0.5, gzip", "gzip"),
        ("zstd;q=0.5,gzip;q=0.7", "gzip"),
        ("gzip;q=0", ""),
        ("gzip;q=0, *", "zstd"),
        ("*", "zstd"),
        ("*;q=0", ""),
        ("*;q=0, gzip", "gzip"),
        ("br, deflate", ""),
        ("gzip;q=0.4, identity;q=0.5", ""),
        ("gzip; q=1.000", "gzip"),
        ("gzip;q=2", ""),
        ("gzip;q=", ""),
        ("gzip;level=9", ""),
        (", ,gzip,", "gzip"),
        (";;;,=", ""),
    ],
)
def test_the_coding_is_the_one_that_is_liked_best(accepted: str, coding: str) -> None:
    """By quality; what cannot be read is not wanted."""
    assert chosen(accepted) == coding


def _answer(**fields: str) -> Answer:
    named = {name.replace("_", "-").encode(): value.encode() for name, value in fields.items()}
    headers = dict([JSON]) | {b"etag": b'"7"', b"content-length": b"5012"} | named
    return Answer(200, _BODY, list(headers.items()), is_authenticated=True)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_an_encoded_answer_is_the_same_in_fewer_bytes(coding: str) -> None:
    """With an ETag of its own, and no other header changed."""
    encoder = Encoder()
    for _ in range(2):  # The second is kept.
        found = encoder.encode(_answer(), coding, known="")
        headers = dict(found.headers)
        assert _OPEN[coding](found.body) == _BODY
        assert headers == {
            b"content-type": b"application/json",
            b"content-encoding": coding.encode(),
            b"content-length": b"%d" % len(found.body),
            b"etag": b'"7-%b"' % coding.encode(),
        }
        assert (len(headers), found.is_authenticated) == (len(found.headers), True)
        assert len(found.body) < 200


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, _BODY[:1000], [JSON]),
        Answer(404, _BODY, [JSON]),
        Answer(200, _BODY, [(b"content-type", b"application/octet-stream")]),
        Answer(200, _BODY, []),
        _answer(content_encoding="br"),
        # Beside what a caller chooses, the length would tell of the secret.
        _answer(cache_control="private, no-store"),
    ],
)
def test_what_is_not_worth_it_is_left_alone(answer: Answer) -> None:
    """What is short, an error, no text, encoded already or shows a secret."""
    assert Encoder().encode(answer, "gzip", known="") is answer


def test_etags_of_encoded_answers_are_known_again() -> None:
    """Django is asked about the plain ones, and a 304 has the one that was asked about."""
    asked = '"7-gzip", W/"8-zstd", "9"'
    assert plain(asked) == '"7", W/"8", "9"'

    unchanged = Answer(304, b"", [(b"etag", b'"7"')])
    encoder = Encoder()
    assert dict(encoder.encode(unchanged, "gzip", known=asked).headers)[b"etag"] == b'"7-gzip"'
    assert dict(encoder.encode(unchanged, "zstd", known=asked).headers)[b"etag"] == b'"7"'
    assert dict(encoder.encode(unchanged, "", known='"7"').headers)[b"etag"] == b'"7"'


def test_what_is_kept_is_bounded() -> None:
    """The oldest goes; what has no ETag nobody asks for again."""
    encoder = Encoder(most_kept_bytes=12_000)
    for number in range(5):
        body = b"%d" % number * 5000
        encoder.encode(Answer(200, body, [JSON, (b"etag", b'"1"')]), "gzip", known="")
        encoder.encode(Answer(200, body[::-1], [JSON]), "gzip", known="")
    assert [body[:1] for _, body in encoder._kept] == [b"3", b"4"]
    assert encoder._size == sum(
        len(body) + len(short) for (_, body), short in encoder._kept.items()
    )
