"""The API of the log, and files of evidence."""
