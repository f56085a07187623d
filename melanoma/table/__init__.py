"""The score table: its schema, Delta Lake, the layout of the output folder, maintenance and pseudonyms."""
