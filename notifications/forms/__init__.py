"""Forms in which a notification is sent: what each makes of it. Pure."""
