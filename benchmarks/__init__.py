"""How long magnusctl takes, beside pyinfra and beside what the wire itself costs."""
