# Prints each call's name, its result and the error. Run inside a plugin's container; the numbers are x86-64's.
use strict;
use warnings;

my %calls = (
    acct => [163, 'buffer'], add_key => [248, 0, 0, 0, 0, 0], af_alg => [41, 38, 5, 0], af_packet => [41, 17, 3, 0],
    af_vsock => [41, 40, 1, 0], bpf => [321, 0, 0, 0], chroot => [161, 'buffer'], clone3 => [435, 0, 0], fsopen => [430, 0, 0],
    init_module => [175, 0, 0, 0], io_uring_setup => [425, 8, 'buffer'], iopl => [172, 3], kexec_load => [246, 0, 0, 0, 0],
    keyctl => [250, 0, 0], mknod => [133, 'buffer', 0x2180, 0x103], mount => [165, 0, 0, 0, 0, 0],
    open_by_handle_at => [304, 0, 0, 0], perf_event_open => [298, 0, 0, -1, -1, 0], personality => [135, 0x0400000],
    pivot_root => [155, 0, 0], process_vm_writev => [311, 1, 0, 0, 0, 0, 0],
    quotactl => [179, 0, 0, 0, 0], raw_socket => [41, 2, 3, 1], reboot => [169, 0, 0, 0, 0], sched_fifo => [144, 0, 1, 'priority'],
    setns => [308, 0, 0], settimeofday => [164, 0, 0], setuid_0 => [105, 0], swapon => [167, 0, 0], syslog => [103, 3, 0, 0],
    umount => [166, 'buffer', 0], unshare_net => [272, 0x40000000], unshare_user => [272, 0x10000000], userfaultfd => [323, 0],
);
for my $name (sort keys %calls) {
    my ($number, @arguments) = @{$calls{$name}};
    my %memory = (buffer => "/tmp/x\0" . "\0" x 512, priority => pack('i', 10));
    $! = 0;
    my $result = syscall $number, map { $memory{$_} // $_ + 0 } @arguments;
    printf "%s %d %s\n", $name, $result, $!;
}
