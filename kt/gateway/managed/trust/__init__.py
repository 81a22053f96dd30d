"""The age of a managed gateway's policy by the control plane's word, and a reset of trust."""
