"""Periodic tasks of the log."""

from celery import shared_task

from evidence import sealer, witnesses


@shared_task(name="evidence.seal", time_limit=60)
def seal() -> None:
    """Seal what may be sealed."""
    sealer.seal()


@shared_task(name="evidence.witness", time_limit=60)
def witness() -> None:
    """Have witnesses sign what was sealed."""
    witnesses.ask_all()
