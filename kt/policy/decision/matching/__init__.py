"""Finding: RE2 sets say what may hit, exact patterns say where."""
