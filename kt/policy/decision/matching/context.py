"""Checks of the words around a number: `MRN 0012345` against `part 0012345`."""

from __future__ import annotations

from kt.policy.decision.matching.patterns import Check, Spans
from kt.policy.decision.reading.engine import compiled, escaped
from kt.policy.decision.reading.views import View, read

_BEFORE = 40
_AFTER = 16

ALONE = (2, 2)
"""Characters before and behind a span that `alone` and `apart` look at."""
NAMED = (_BEFORE, _AFTER)
"""Those that `named_otherwise` and a check of `near` look at, and more than `ALONE`."""


def near(words: str, check: Check) -> Check:
    """A check that confirms what `check` does, if one of `words` is shortly before or after.

    `words` is an alternation in RE2's syntax; case and what joins words do not count.
    """
    pattern = compiled(f"(?i)(?:^|[^a-z])(?:{words})(?:[^a-z]|$)")

    def confirm(text: str, start: int, end: int) -> Spans:
        spans = tuple(check(text, start, end))
        if not spans:
            return ()
        before = text[max(0, start - _BEFORE) : start]
        after = text[end : end + _AFTER]
        around = f"{before} | {after}".encode("utf-8", "replace")
        return spans if pattern.search(around) else ()

    return confirm


_BLANK = r"[ \t\p{Zs}]"

# Words for a thing that has a number, beside English: in languages that put a blank between words.
_THINGS = (
    "версия версии релиз сборка заказ заказа счёт счета артикул партия деталь модель раздел пункт "
    "версія замовлення έκδοση παραγγελία τιμολόγιο μοντέλο ενότητα տարբերակ ვერსია "
    "الإصدار إصدار النسخة الطلب طلب الفاتورة الطراز القسم גרסה גרסת הזמנה חשבונית דגם סעיף "
    "संस्करण ऑर्डर चालान मॉडल பதிப்பு সংস্করণ ስሪት "
    "versión versões versão versione wersja verze verzia verzió versiune sürüm fassung "
    "bestellung bestellnummer rechnung rechnungsnummer auftrag auftragsnummer artikel "
    "artikelnummer teilenummer commande facture référence pedido factura ordine fattura"
)
# The same in languages that put none there. Words of Korean stand with both.
_THINGS_UNSPACED = (
    "版本 版號 版号 构建 發佈 发布 订单 訂單 单号 單號 发票 發票 型号 型號 序列号 序號 序列號 "
    "批次 批号 批號 零件 部件 货号 貨號 工单 工單 案号 案號 "
    "バージョン ヴァージョン リリース ビルド 注文 請求書 部品 品番 型番 モデル シリアル "
    "ロット チケット 버전 릴리스 빌드 주문 송장 부품 모델 일련 운송장 "
    "เวอร์ชัน เวอร์ชั่น รุ่น คำสั่งซื้อ ใบแจ้งหนี้ ជំនាន់ ဗားရှင်း"
)


def _as_read(words: str) -> str:
    """An alternation of words as each view shows them, in any case."""
    cased = (form for word in words.split() for form in (word, word.capitalize(), word.upper()))
    shown = {read(form, view) for form in cased for view in (View.RAW, View.SIGNS, View.PLAIN)}
    return "|".join(map(escaped, sorted(shown)))


_OTHER_NUMBERS = compiled(
    r"(?i)(?:\b(?:parts?|orders?|invoices?|models?|serial|skus?|items?|tickets?|cases?|lots?|batch|"
    r"catalogue?|tracking|isbn|version|release|build|room|docket|sections?|para(?:\.|s|graphs?)?|clauses?|"
    r"articles?|chapters?|figures?|po)"
    rf"|(?:^|[^\pL\pN\pM])(?:{_as_read(_THINGS)})|{_as_read(_THINGS_UNSPACED)})"
    # A full stop is an abbreviation's: after any other word it ends what was said before.
    rf"(?:{_BLANK}+(?:no\.?|number|nr\.?|id)|{_BLANK}*(?:号码?|號碼?|番号|番號|编号|編號|번호))?"
    rf"{_BLANK}*[:#\x{{FF1A}}\x{{FF03}}]*{_BLANK}*$"
)


def named_otherwise(text: str, start: int) -> bool:
    """True when the word before a number says that it numbers a thing: `part 128-16-9406`."""
    before = text[max(0, start - _BEFORE) : start].encode("utf-8", "replace")
    return _OTHER_NUMBERS.search(before) is not None


def alone(text: str, start: int, end: int) -> bool:
    """True when a span is a word of its own, and not a piece of a longer number.

    `12.5` and `1-2` are longer numbers; a full stop or a dash before anything
    but a digit is punctuation, and an underscore always is.
    """
    outwards = (text[max(0, start - 2) : start][::-1], text[end : end + 2])
    longer = any(signs[:1] in (".", "-") and signs[1:].isdecimal() for signs in outwards)
    return apart(text, start, end) and not longer


def apart(text: str, start: int, end: int) -> bool:
    """True when no ASCII letter or digit stands at either end of a span.

    Values are ASCII: in a script without spaces they stand between two words.
    """
    return not (_ascii_word(text[max(0, start - 1) : start]) or _ascii_word(text[end : end + 1]))


def _ascii_word(sign: str) -> bool:
    return sign.isascii() and sign.isalnum()
