"""The console: exit codes and notes, output, replies, numbers and progress."""
