"""Tasks to learn: one file a source of data, and the table of them."""
