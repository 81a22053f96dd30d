"""Pages for people: what is in force, where, since when, why, and what needs somebody."""
