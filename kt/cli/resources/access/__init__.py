"""Commands of who may: tokens, trusts, and rules by which people sign in."""
