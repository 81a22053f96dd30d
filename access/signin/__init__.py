"""Sign-in of people by an OpenID provider, and the rules that let them in."""
