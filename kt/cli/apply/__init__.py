"""`kt apply` and `kt export`: a control plane's set-up as a file."""
