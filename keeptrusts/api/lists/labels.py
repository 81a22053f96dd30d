"""Labels in a database: which rows have those of a selector, or a text within a key or a value."""

import re
from collections.abc import Iterable
from typing import Any

import orjson
from django.db.models import BooleanField, F, Func

_SQL = tuple[str, tuple[Any, ...]]

_HAS = (
    "EXISTS (SELECT 1 FROM json_each({column}) AS label WHERE label.key = %s AND label.value = %s)"
)
# Text that is written in JSON as it is.
_PLAIN = re.compile(r"[ !#-\[\]-~]*")
_MENTIONS = (
    "EXISTS (SELECT 1 FROM {each}({column}) AS label"
    " WHERE {fold}(label.key) LIKE {fold}(%s){escape}"
    " OR {fold}(label.value) LIKE {fold}(%s){escape})"
)


class HasLabels(Func):
    """Whether a column of labels has all of these pairs."""

    output_field = BooleanField()

    def __init__(self, column: str, pairs: Iterable[tuple[str, str]]) -> None:
        super().__init__(F(column))
        self._pairs = tuple(pairs)

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> _SQL:
        column, params = compiler.compile(self.source_expressions[0])
        return f"({column} @> %s::jsonb)", (*params, orjson.dumps(dict(self._pairs)).decode())

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> _SQL:
        column, params = compiler.compile(self.source_expressions[0])
        tests = [_HAS.format(column=column)] * len(self._pairs)
        values = tuple(value for pair in self._pairs for value in (*params, *pair))
        return f"({' AND '.join(tests)})", values


class MentionsLabel(Func):
    """Whether a key or a value of a column of labels has a text within it, whatever its case."""

    output_field = BooleanField()

    def __init__(self, column: str, searched: str) -> None:
        super().__init__(F(column))
        self._searched = searched

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> _SQL:
        words = {"each": "jsonb_each_text", "fold": "UPPER", "escape": "", "text": "::text"}
        return self._sql(compiler, connection, words)

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> _SQL:
        # Its LIKE folds ASCII by itself, as Django's `icontains` has it.
        words = {"each": "json_each", "fold": "", "escape": r" ESCAPE '\'", "text": ""}
        return self._sql(compiler, connection, words)

    def _sql(self, compiler: Any, connection: Any, words: dict[str, str]) -> _SQL:
        column, params = compiler.compile(self.source_expressions[0])
        pattern = f"%{connection.ops.prep_for_like_query(self._searched)}%"
        named = {"column": column, **words}
        mentions, given = _MENTIONS.format(**named), (*params, pattern, pattern)
        if not _PLAIN.fullmatch(self._searched):
            return mentions, given
        # To look through the JSON first takes a fourth of the time, where most have no such label.
        holds = "{fold}({column}{text}) LIKE {fold}(%s){escape}".format(**named)
        return f"({holds} AND {mentions})", (*params, pattern, *given)
