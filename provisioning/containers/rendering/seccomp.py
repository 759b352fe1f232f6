"""The system calls that a plugin's containers may make: an allow-list of the platform's own.

Older engines' default profile lets every container use io_uring, and sockets of any family: AF_VSOCK, which no network
namespace confines, talks to the hypervisor. What an interpreter and nginx need is less, and is named here by purpose.
Names that a kernel or libseccomp does not know are left out by the runtime.
"""

import json
from typing import Any

_FILES = """
access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64
fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fstat fstatfs
fsync ftruncate futimesat getcwd getdents getdents64 getxattr inotify_add_watch inotify_init inotify_init1
inotify_rm_watch ioctl lchown lgetxattr link linkat listxattr llistxattr lseek lstat mkdir mkdirat newfstatat open
openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv
rename renameat renameat2 rmdir sendfile splice stat statfs statx symlink symlinkat sync sync_file_range syncfs tee
truncate umask unlink unlinkat utime utimensat utimes vmsplice write writev io_cancel io_destroy io_getevents
io_pgetevents io_setup io_submit
"""
_MEMORY = """
arch_prctl brk madvise membarrier memfd_create mincore mlock mlock2 mlockall mmap mprotect mremap msync munlock
munlockall munmap pkey_alloc pkey_free pkey_mprotect remap_file_pages shmat shmctl shmdt shmget semctl semget semop
semtimedop msgctl msgget msgrcv msgsnd map_shadow_stack mseal
"""
_PROCESSES = """
capget capset execve execveat exit exit_group fork vfork wait4 waitid kill tgkill tkill getpgid getpgrp getpid getppid
getsid gettid setpgid setsid getuid geteuid getgid getegid getresuid getresgid getgroups setuid setgid setreuid
setregid setresuid setresgid setfsuid setfsgid setgroups getrlimit setrlimit prlimit64 getrusage times sysinfo uname
getcpu getrandom prctl seccomp set_robust_list get_robust_list set_tid_address set_thread_area get_thread_area rseq
futex futex_waitv futex_wait futex_wake futex_requeue restart_syscall pidfd_open pidfd_send_signal ptrace
process_vm_readv getpriority setpriority ioprio_get ioprio_set sched_getaffinity sched_setaffinity sched_getattr
sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval sched_setattr
sched_setparam sched_setscheduler sched_yield landlock_add_rule landlock_create_ruleset landlock_restrict_self
riscv_hwprobe
"""
_SIGNALS_AND_TIME = """
alarm pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
rt_tgsigqueueinfo sigaltstack signalfd signalfd4 clock_getres clock_gettime clock_nanosleep getitimer setitimer
gettimeofday nanosleep time timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create
timerfd_gettime timerfd_settime eventfd eventfd2 epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2
epoll_wait poll ppoll pselect6 select
"""
_SOCKETS = """
accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg sendmmsg sendmsg
sendto setsockopt shutdown socketpair
"""
# AF_UNIX, AF_INET, AF_INET6, and AF_NETLINK for the list of interfaces. No other family: not AF_VSOCK, not AF_ALG.
_FAMILIES = (1, 2, 10, 16)
# Every flag of clone() that makes a namespace.
_NAMESPACES = 0x7E020000
_ENOSYS = 38


def render_seccomp() -> str:
    """The profile as the engine takes it. The same for every plugin; nothing of a tenant's is in it."""
    groups = (_FILES, _MEMORY, _PROCESSES, _SIGNALS_AND_TIME, _SOCKETS)
    rules: list[dict[str, Any]] = [{"names": names.split(), "action": "SCMP_ACT_ALLOW"} for names in groups]
    rules.extend(_allow("socket", 0, family) for family in _FAMILIES)
    # The usual one, and the question which it is.
    rules.extend(_allow("personality", 0, value) for value in (0, 0xFFFFFFFF))
    new_process = {"index": 0, "value": _NAMESPACES, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
    rules.append({"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [new_process]})
    # Its flags lie in memory, where no filter sees them: not there at all, so that libc takes clone() instead.
    rules.append({"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": _ENOSYS})
    architectures = [
        {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": []},
        {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": []},
    ]
    document = {"defaultAction": "SCMP_ACT_ERRNO", "archMap": architectures, "syscalls": rules}
    return json.dumps(document, indent=1) + "\n"


def _allow(name: str, index: int, value: int) -> dict[str, Any]:
    argument = {"index": index, "value": value, "valueTwo": 0, "op": "SCMP_CMP_EQ"}
    return {"names": [name], "action": "SCMP_ACT_ALLOW", "args": [argument]}
