"""The page that `chainrule report` writes: sections, charts, the importance of columns."""
