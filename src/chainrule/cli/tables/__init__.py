"""Tables: how files are read, what their columns are, the inputs and the target of a model."""
