"""Where jobs are done: processes of their own, reached through one small interface."""
