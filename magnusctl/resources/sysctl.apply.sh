# put_sysctl KEY=VALUE...: some kernels clamp a value without a word; the closing probe reads it back.
put_sysctl() { system sysctl -w "$@"; }
