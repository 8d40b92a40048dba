"""How another repository comes to be released by this system, and goes on to a newer one."""
