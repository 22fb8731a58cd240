"""The chapters of a derivation, each a section of the document."""
