"""What somebody hears of without asking: events, sent to endpoints that admins name."""
