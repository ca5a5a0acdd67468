"""Models in numbered releases: what runs on a host now, what ran before, what a switch takes."""
