"""What the roles declare, without a host."""
