"""The world's own trust root: a certificate authority, a transparency log, and who asks them."""
