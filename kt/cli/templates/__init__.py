"""Templates of `kt init`: commented policies with tests.

`NAME` stands for the pack's name, `IDENTITY` for its id.

A template is a module with `TEXT`; its file name, with hyphens, is the template's name.
"""

TEMPLATES = {
    "starter": "harmful requests and injections blocked, personal data redacted",
    "private-data": "personal data, secrets and own terms kept from the model",
    "agent-tools": "which tools an agent may call, and how often",
}
