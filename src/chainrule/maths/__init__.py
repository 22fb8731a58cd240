"""The notes as functions of arrays; imports nothing else of ours but the errors."""
