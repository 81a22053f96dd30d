"""The models that classifiers ask."""
