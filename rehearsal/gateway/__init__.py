"""The front of every service: access, journal and injected faults."""
