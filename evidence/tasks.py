"""The periodic task of the log."""

from celery import shared_task

from evidence import sealer


@shared_task(name="evidence.seal", time_limit=60)
def seal() -> None:
    """Seal what may be sealed."""
    sealer.seal()
