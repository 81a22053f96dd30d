"""The texts of a body, their normalised views, and the way back to the original."""
