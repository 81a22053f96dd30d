"""The feed of what changes, for people's programs: `/v1/stream`."""
