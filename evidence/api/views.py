"""`/v1/evidence`: the log; and the evidence of a gateway and of a configuration."""

import json
import re
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from evidence import files, keys, trees
from evidence.api import operations
from evidence.models import Epoch, SignedCheckpoint, Tile
from keeptrusts.api.errors import BusyError, NotFoundError
from keeptrusts.api.parameters import moment, whole, word
from keeptrusts.api.views import View
from kt.evidence import statements, tiles

_AT = moment("at", "The time that is asked about; now without it.")
_SINCE = whole(
    "since",
    "The size of a checkpoint that you have: the answer then proves that it grew from that.",
    lowest=0,
    highest=999_999_999,
    default=None,
)
_FORMAT = word(
    "format",
    "`dsse` for a statement of in-toto in an envelope that the log's key signs.",
    known=("json", "dsse"),
    default="json",
)
_HASH_BYTES = 32
_LEVEL = re.compile("[0-9]")


class Log(View):
    """The log's public key."""

    actions = {"GET": "any"}
    described = {"GET": operations.GET_LOG}

    def get(self, _request: Request) -> Response:
        by, newest = keys.verifier(), Epoch.objects.order_by("-number").first()
        if by is None or newest is None:
            raise BusyError("Nothing is sealed yet; ask again in a second.")
        return Response({"data": {"key": by.text(), "epoch": newest.number}})


class Checkpoint(View):
    """The newest checkpoint of a tree."""

    actions = {"GET": "any"}
    described = {"GET": operations.GET_CHECKPOINT}

    def get(self, _request: Request, epoch: int) -> HttpResponse:
        row = SignedCheckpoint.objects.filter(epoch=epoch).order_by("-size").first()
        if row is None:
            raise NotFoundError(f"tree {epoch}")
        return HttpResponse(row.note + "".join(row.cosignatures), content_type="text/plain")


class HashTile(View):
    """Hashes of a tree."""

    actions = {"GET": "any"}
    described = {"GET": operations.GET_TILE}

    def get(self, _request: Request, epoch: int, level: str, place: str) -> HttpResponse:
        number, width = _placed(place)
        if not _LEVEL.fullmatch(level):
            raise NotFoundError("hash or entry of this place")
        row = Tile.objects.filter(epoch=epoch, level=level, number=number).first()
        hashes = bytes(row.hashes)[: width * _HASH_BYTES] if row else b""
        if len(hashes) != width * _HASH_BYTES:
            raise NotFoundError("hash or entry of this place")
        return _octets(hashes)


class EntryTile(View):
    """Leaves of a tree."""

    actions = {"GET": "audit.read"}
    described = {"GET": operations.GET_ENTRIES}

    def get(self, _request: Request, epoch: int, place: str) -> HttpResponse:
        number, width = _placed(place)
        found = trees.entries(epoch, number, width)
        if len(found) != width:
            raise NotFoundError("hash or entry of this place")
        return _octets(tiles.bundle(found))


class GatewayEvidence(View):
    """The evidence of a gateway at a time."""

    query = {"GET": (_AT, _SINCE, _FORMAT)}
    actions = {"GET": "audit.read"}
    described = {"GET": operations.GET_GATEWAY_EVIDENCE}

    def get(self, request: Request, gateway_id: str) -> HttpResponse:
        asked = self.asked(request)
        file = files.of_gateway(gateway_id, _time(asked[_AT]), since=asked[_SINCE])
        return _whole(file, asked[_FORMAT])


class ConfigurationEvidence(View):
    """The evidence of a configuration at a time."""

    query = {"GET": (_AT, _SINCE, _FORMAT)}
    actions = {"GET": "audit.read"}
    described = {"GET": operations.GET_CONFIGURATION_EVIDENCE}

    def get(self, request: Request, configuration_id: str) -> HttpResponse:
        asked = self.asked(request)
        file = files.of_configuration(configuration_id, _time(asked[_AT]), since=asked[_SINCE])
        return _whole(file, asked[_FORMAT])


def _time(asked: datetime | None) -> datetime:
    return asked or timezone.now()


def _placed(place: str) -> tuple[int, int]:
    found = tiles.numbered(place)
    if found is None:
        raise NotFoundError("hash or entry of this place")
    return found


def _whole(file: dict[str, Any], form: str) -> HttpResponse:
    """A file as JSON, whose values stay as they are: what is not printable is escaped."""
    if form == "dsse":
        signed = json.dumps(files.statement(file))
        return HttpResponse(signed, content_type=statements.MEDIA_TYPE)
    return HttpResponse(json.dumps({"data": file}), content_type="application/json")


def _octets(data: bytes) -> HttpResponse:
    return HttpResponse(data, content_type="application/octet-stream")
