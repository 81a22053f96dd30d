"""The files of one commit as frozen values, read without a checkout."""
