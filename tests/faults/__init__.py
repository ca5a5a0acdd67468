"""Tools that make things go wrong on purpose: links, servers, disks, processes."""
