"""The control plane's resources, a module each: what `kt` does with them."""
