"""Messages between processes through Redis: hints, answers of workers, Celery's messages."""
