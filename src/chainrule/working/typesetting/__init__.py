"""Typesetting: one document as text, Markdown, LaTeX or HTML."""
