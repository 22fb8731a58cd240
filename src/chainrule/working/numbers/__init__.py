"""What a derivation computes: the subject, one pass of it, finite differences, one update."""
