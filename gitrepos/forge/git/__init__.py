"""Git itself, hardened; the only importer of GitPython."""
