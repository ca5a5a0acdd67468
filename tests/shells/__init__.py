"""What reaches a host, run under every shell that a host may have as its sh."""
