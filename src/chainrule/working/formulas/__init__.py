"""Formulas: expressions, the text around them, and each part of a network as formulas."""
