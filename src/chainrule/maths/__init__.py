"""The notes as functions of arrays; imports nothing of ours except the errors."""
