"""Questions that commands ask git about the checkout around the working directory."""
