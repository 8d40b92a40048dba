"""The result of a rehearsal, and the pages that show it."""
