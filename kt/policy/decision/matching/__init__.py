"""The matchers: RE2 sets say which rules may hit, exact patterns say where."""
