"""Streamed answers, held until they are judged."""
