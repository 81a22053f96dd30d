"""The template `agent-tools`: limits on the tools that an agent calls."""

TEXT = """\
# For agents that call tools: who may call which, and how often.

pack:
  # The configuration's id. It stays when the file moves, and with it history and gateways.
  id: IDENTITY
  name: NAME
  version: 0.1.0
  enabled: true

policies:
  chain:
    # Requests without these headers are refused.
    - rbac
    - prompt-injection
    - agent-firewall
    - audit-logger

policy:
  rbac:
    deny_if_missing:
      - X-User-ID
  agent-firewall:
    # Globs. Blocked tools win over allowed ones.
    allowed_tools:
      - search
      - "read_*"
    blocked_tools:
      - read_secrets
    # In one request or answer.
    max_tool_calls: 10

providers:
  targets:
    - id: mock
      provider: mock

testing:
  suites:
    - name: tools
      cases:
        - name: an ordinary request passes
          input:
            headers: {X-User-ID: u-1}
            messages:
              - {role: user, content: Find the report.}
          expected: {verdict: allow}
        - name: a caller without a name is refused
          input:
            messages:
              - {role: user, content: Find the report.}
          expected: {verdict: block}
        - name: a tool that is not allowed is blocked
          input:
            headers: {X-User-ID: u-1}
            messages:
              - role: assistant
                content: null
                tool_calls:
                  - {id: c1, type: function, function: {name: shell, arguments: "{}"}}
          expected: {verdict: block}
"""
