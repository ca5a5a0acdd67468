"""Why a kernel parameter is what a role makes it: told in the file that sets it."""

from __future__ import annotations

from collections.abc import Mapping

REASONS: Mapping[str, str] = {
    "vm.swappiness": "what computes stays in memory; idle pages go first",
    "kernel.panic": "seconds until a host that panicked boots: nobody is there to do it",
    "net.ipv4.tcp_mtu_probing": "where large packets vanish on the way, smaller ones are tried",
    "net.core.rmem_max": "bytes; one connection may fill a 10 GbE link",
    "net.core.wmem_max": "bytes; one connection may fill a 10 GbE link",
    "net.ipv4.tcp_rmem": "bytes: least, first, most",
    "net.ipv4.tcp_wmem": "bytes: least, first, most",
    "vm.nr_hugepages": "of 2 MiB; the boot gives them, this asks for those that are missing",
    "vm.hugetlb_shm_group": "the group that may share huge pages",
    "vm.stat_interval": "seconds; counting wakes every CPU, also those that trade",
    "vm.zone_reclaim_mode": "memory of another socket is better than none",
    "vm.max_map_count": "an engine maps many files of weights",
    "kernel.io_uring_disabled": "1: only for the group below, as it is a wide way into the kernel",
    "kernel.io_uring_group": "the engine's group",
    "kernel.sched_rt_runtime_us": "-1: up to 6.11 a spinning thread loses 50 ms a second",
    "kernel.timer_migration": "timers stay where they were set, off the CPUs that trade",
    "kernel.numa_balancing": "pages are not moved about while they are used",
    "net.core.busy_poll": "microseconds of polling before a thread sleeps",
    "net.core.busy_read": "microseconds of polling before a thread sleeps",
    "net.core.netdev_max_backlog": "packets that wait in a burst, where fewer would be dropped",
    "net.ipv4.tcp_slow_start_after_idle": "a session that was quiet sends at once",
    "net.ipv4.tcp_keepalive_time": "seconds; a dead session is found in minutes, not hours",
    "net.ipv4.tcp_keepalive_intvl": "seconds from one probe to the next",
    "net.ipv4.tcp_keepalive_probes": "probes without an answer",
    "net.ipv4.tcp_syn_retries": "a counterparty that is away is given up soon",
}
