"""HTTP servers of the control plane: event loops that bound what is not yet a whole request."""
