"""The template `private-data`: personal data, secrets and own terms kept from the model."""

TEXT = """\
# Keeps personal data, secrets and words of your own away from the model, and from its answers.

pack:
  # The configuration's id. It stays when the file moves, and with it history and gateways.
  id: IDENTITY
  name: NAME
  version: 0.1.0
  enabled: true

policies:
  chain:
    - dlp-filter
    - pii-detector
    - audit-logger

policy:
  dlp-filter:
    # Well-known formats of keys and tokens are found without being named here.
    action: block
    blocked_terms:
      - Project Falcon
    # Also with a letter changed.
    fuzzy_matching: true
    max_distance: 1
  pii-detector:
    action: redact
    # Medical record numbers, NPI and insurance ids as well.
    healthcare_mode: true
    detect_patterns:
      # Personnel numbers. Regular expressions are RE2's: no look-around, no back-references.
      - '\\bEMP-[0-9]{6}\\b'
    redaction:
      custom_markers:
        custom: "[EMPLOYEE]"
  audit-logger:
    retention_days: 2190

providers:
  targets:
    - id: mock
      provider: mock

testing:
  suites:
    - name: nothing private leaves
      cases:
        - name: an ordinary request passes
          input:
            messages:
              - {role: user, content: Summarize this quarterly report.}
          expected: {verdict: allow}
        - name: an own term is blocked
          input:
            messages:
              - {role: user, content: "When does Project Falcon start?"}
          expected: {verdict: block}
        - name: a personnel number is redacted
          input:
            messages:
              - {role: user, content: Look up EMP-204117.}
          expected: {verdict: redact}
        - name: an answer is redacted too
          input:
            messages:
              - {role: user, content: Who can help me?}
            upstream_response: Write to ada@example.com.
          expected: {verdict: redact}
"""
