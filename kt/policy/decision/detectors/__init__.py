"""What is looked for: personal data, secrets, telephone numbers, harm and injections."""
