"""Operations of the document and its page, as the document tells them."""

from typing import Any

from keeptrusts.api.operations import Operation

GET_DOCUMENT = Operation("getDocument", "This document.", whole={200: dict[str, Any]}, cached=True)
GET_PAGE = Operation("getPage", "This document for people.", data=str, media=("text/html",))
GET_PAGE_FILE = Operation(
    "getPageFile",
    "A file of that page.",
    data=str,
    media=("text/css", "text/javascript", "image/png"),
    cached=True,
)
