"""Messages between processes, by way of Redis: hints, answers that somebody waits for, Celery's."""
