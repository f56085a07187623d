"""SQL views, exports, and the story of one photograph."""
