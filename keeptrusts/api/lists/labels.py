"""Labels in a database: which rows have those of a selector, or a text within a key or a value."""

from collections.abc import Iterable
from typing import Any

import orjson
from django.db.models import BooleanField, F, Func

_SQL = tuple[str, tuple[Any, ...]]

_HAS = (
    "EXISTS (SELECT 1 FROM json_each({column}) AS label WHERE label.key = %s AND label.value = %s)"
)
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
        return self._sql(compiler, connection, each="jsonb_each_text", fold="UPPER", escape="")

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> _SQL:
        # Its LIKE folds ASCII by itself, as Django's `icontains` has it.
        return self._sql(compiler, connection, each="json_each", fold="", escape=r" ESCAPE '\'")

    def _sql(self, compiler: Any, connection: Any, **words: str) -> _SQL:
        column, params = compiler.compile(self.source_expressions[0])
        pattern = f"%{connection.ops.prep_for_like_query(self._searched)}%"
        return _MENTIONS.format(column=column, **words), (*params, pattern, pattern)
