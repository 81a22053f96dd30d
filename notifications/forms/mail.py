"""The mail that a notification is."""

from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP

from notifications.forms.told import Told, heading, lines, plain

_MOST_SUBJECT = 150


def message(
    told: Told, message_id: str, *, sender: str, recipients: Sequence[str], sent_at: datetime
) -> EmailMessage:
    """A mail of plain text, the same at each attempt but for its date.

    Its Message-ID is that of the notification, so that mail programs know a second one.
    """
    made = EmailMessage(policy=SMTP)
    made["From"] = sender
    made["To"] = ", ".join(recipients)
    made["Subject"] = _subject(told)
    made["Date"] = sent_at
    made["Message-ID"] = f"<{message_id}@{sender.rpartition('@')[2].rstrip('>')}>"
    made["Auto-Submitted"] = "auto-generated"  # No answer of a machine to it.
    made.set_content("\n".join(lines(told)) + "\n", cte="quoted-printable")
    return made


def _subject(told: Told) -> str:
    text = plain(f"{heading(told)}: {lines(told)[0]}", _MOST_SUBJECT)
    # What begins like an encoded word of RFC 2047 is decoded when it is set, line feeds and all.
    return text.replace("=?", "= ?")
