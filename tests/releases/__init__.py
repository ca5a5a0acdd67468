"""Releases: what a host keeps of them, what one consists of, and what no model needs any more."""
