"""Tests of judges: processes that read what strangers wrote."""
