"""Judges: processes that read what strangers wrote, under limits, for a process that asks."""
