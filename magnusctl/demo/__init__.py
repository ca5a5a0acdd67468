"""The example inventory's hosts as simulated machines on loopback, for the demo and for tests."""
