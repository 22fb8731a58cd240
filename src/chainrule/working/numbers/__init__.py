"""The numbers of a derivation: the model, one pass, finite differences, one update."""
