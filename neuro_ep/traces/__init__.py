"""What is looked at while a network runs, streamed to files."""
