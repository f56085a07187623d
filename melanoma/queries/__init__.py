"""SQL views of the score table, exports, and the history of one photograph."""
