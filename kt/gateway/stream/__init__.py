"""Streams of answers, held until they were judged."""
