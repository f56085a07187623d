"""The morning report: what a night did, whether it adds up, and whether it looks like other nights."""
