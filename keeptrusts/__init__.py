"""The Django project: settings, processes and the edges every API view shares."""
