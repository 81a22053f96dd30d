"""Gateways that report within the process."""

from tests.gateways.conftest import _another_database, bind, bot, gateway, register

__all__ = ["_another_database", "bind", "bot", "gateway", "register"]
