"""The models that policies may ask, by the names that options give them."""
