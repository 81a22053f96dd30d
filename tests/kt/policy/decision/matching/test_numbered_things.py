# ruff: noqa: RUF001 - every script is what is tested.
"""Numbers of things that look like addresses or like people's numbers, in many languages."""

from __future__ import annotations

import pytest

from tests.kt.policy.builders import ask, compiled

WATCHED = compiled("pii-detector")

VERSIONS = """
version|Version|VERSION|release|build|版本|版本号|版本號|软件版本|版号|バージョン|バージョン番号|リリース|버전
버전 번호|릴리스|версия|Версия|ВЕРСИЯ|новая версия|версии|релиз|версія|έκδοση|Έκδοση|տարբերակ|ვერსია
الإصدار|النسخة|גרסה|संस्करण|பதிப்பு|সংস্করণ|เวอร์ชัน|รุ่น|versión|Versión|versão|versione|wersja|verze
verzió|sürüm|Fassung
"""
ORDERS = """
order|part|invoice|订单|订单号|订单编号|訂單|发票号码|型号|零件|序列号|批次|注文|注文番号|品番|部品番号|シリアル番号
주문|주문번호|송장|부품|заказ|Заказ|счёт|артикул|παραγγελία|الطلب|הזמנה|ऑर्डर|คำสั่งซื้อ|Bestellung
Bestellnummer|Rechnung|commande|pedido|ordine
"""
JOINTS = (" ", ": ", "：", "\u3000", "\u00a0", " #", " : ")
UNSPACED = (*JOINTS, "")


def _words(table: str) -> list[str]:
    return [word for line in table.split("\n") for word in line.split("|") if word]


def _joints(word: str) -> tuple[str, ...]:
    """A script without spaces puts none before a number either."""
    return UNSPACED if ord(word[0]) > 0x2E80 or word[0] in "เรค" else JOINTS


@pytest.mark.parametrize(
    ("table", "number"),
    [(VERSIONS, "2.0.1.4"), (ORDERS, "2.0.1.4"), (ORDERS, "128-16-9406")],
    ids=["version", "order", "order like an SSN"],
)
def test_what_a_word_numbers_is_no_personal_data(table: str, number: str) -> None:
    """In whatever language, with what stands between the two there."""
    texts = [word + joint + number for word in _words(table) for joint in _joints(word)]
    assert [text for text in texts if ask(WATCHED, f"ok, {text}!").verdict != "allow"] == []


NOT_NAMED = """
地址|我的号码是|服务器|版本。|版本，|版本是什么？|番号は|住所|サーバー|주소|адрес|конверсия|сервер|الخادم|כתובת
पता|ที่อยู่|Adresse|servidor|inversión|conversione|reversión|ask the vision|注文しました。|订单已付，
"""


@pytest.mark.parametrize("number", ["203.0.113.7", "536-90-4399"])
def test_another_word_hides_nothing(number: str) -> None:
    """Nor does one that only ends like a thing's, or that a sign keeps apart."""
    texts = [word + joint + number for word in _words(NOT_NAMED) for joint in (" ", "\u3000")]
    assert [text for text in texts if ask(WATCHED, text).verdict == "allow"] == []
