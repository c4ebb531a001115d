"""One straight script for each task; `unmask train NAME` runs it."""
