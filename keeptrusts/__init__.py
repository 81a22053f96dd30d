"""The Django project: settings, processes, and what all packages share."""
