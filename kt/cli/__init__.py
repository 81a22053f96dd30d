"""The `kt` command: arguments and files in, text and exit codes out."""
