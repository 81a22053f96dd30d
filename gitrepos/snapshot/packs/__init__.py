"""Packs read here, without git: what is clean in every way is believed, all else is git's."""
