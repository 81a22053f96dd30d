"""PostgreSQL and Redis when they fail: what is wrong, who is told, and looks that end."""
