"""`kt policy review`: what a change does to policies and their tests, for whoever reviews it."""
