"""Formulas: expressions, what is said around them, and each part of a network as formulas."""
