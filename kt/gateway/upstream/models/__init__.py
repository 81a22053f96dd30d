"""The models that classifiers of policies ask: files, and endpoints that moderate."""
