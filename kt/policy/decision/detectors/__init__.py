"""The detectors: personal data, secrets, telephone numbers, harm and injections."""
