/* pod.c -- runs a program as Kubernetes would with the pod security standard "restricted": its own mounts, processes, network, names;
 * root read-only, uid and gid 10001, no capability, nothing to be gained by exec, a seccomp filter.
 *
 *   pod -r ROOT [-n NETNS] [-h NAME] [-p PIDFILE] [-b FROM:TO]... [-w FROM:TO]... -- PROGRAM ARGUMENT...
 *
 * -b is mounted read-only, -w writable; both are directories or files that ROOT has a place for. It ends as the program does (128 +
 * signal), and the program with it; SIGTERM is passed on. 71: the pod could not be made. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define USER 10001
#define BINDS 64
#define EX_OSERR 71

struct bind {
    const char *from, *to;
    bool writable;
};

struct pod {
    const char *root, *netns, *name, *pid_file;
    struct bind bind[BINDS];
    unsigned binds;
};

static void fail(const char *what) {
    fprintf(stderr, "pod: %s: %s\n", what, strerror(errno));
    _exit(EX_OSERR);
}

static void must(long r, const char *what) {
    if (r < 0) fail(what);
}

static void bind_one(const char *root, const struct bind *b) {
    char to[4096];
    unsigned long flags = MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    snprintf(to, sizeof(to), "%s%s", root, b->to);
    must(mount(b->from, to, NULL, MS_BIND, NULL), to);
    must(mount(NULL, to, NULL, b->writable ? flags : flags | MS_RDONLY, NULL), to);
}

static void devices(const char *root) {
    static const struct {
        const char *name;
        unsigned minor;
    } row[] = {{"null", 3}, {"zero", 5}, {"full", 7}, {"random", 8}, {"urandom", 9}};
    char path[4096];
    snprintf(path, sizeof(path), "%s/dev", root);
    must(mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NOEXEC, "size=64k,mode=755"), path);
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        snprintf(path, sizeof(path), "%s/dev/%s", root, row[i].name);
        must(mknod(path, S_IFCHR | 0666, makedev(1, row[i].minor)), path);
        must(chmod(path, 0666), path);
    }
    snprintf(path, sizeof(path), "%s/dev", root);
    must(mount(NULL, path, NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NOEXEC, "size=64k"), path);
}

static void enter_root(const struct pod *pod) {
    char path[4096];
    must(unshare(CLONE_NEWNS), "mounts of its own");
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
    must(mount(pod->root, pod->root, NULL, MS_BIND, NULL), pod->root);
    snprintf(path, sizeof(path), "%s/proc", pod->root);
    must(mount("proc", path, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), path);
    devices(pod->root);
    for (unsigned i = 0; i < pod->binds; i++)
        bind_one(pod->root, &pod->bind[i]);
    must(chdir(pod->root), pod->root);
    must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
    must(umount2(".", MNT_DETACH), "the old root");
    must(chdir("/"), "/");
    must(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL),
         "a root that is read-only");
}

static void drop_rights(void) {
    const struct rlimit locked = {65536, 65536}; /* what the strictest runtimes give */
    const gid_t group = USER;
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        must(prctl(PR_CAPBSET_DROP, cap, 0, 0, 0), "the bounding set");
    must(setrlimit(RLIMIT_MEMLOCK, &locked), "RLIMIT_MEMLOCK");
    must(setgroups(1, &group), "groups");
    must(setresgid(USER, USER, USER), "gid");
    must(setresuid(USER, USER, USER), "uid");
    must(syscall(SYS_capset, &head, none), "capabilities");
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
    must(prctl(PR_SET_PDEATHSIG, SIGKILL), "PDEATHSIG"); /* the change of user took it away */
}

/* Of what RuntimeDefault refuses, what a program could do without any capability. */
static void filter(void) {
    static const unsigned refused[] = {SYS_add_key,     SYS_bpf,     SYS_io_uring_setup,
                                       SYS_keyctl,      SYS_mount,   SYS_perf_event_open,
                                       SYS_pivot_root,  SYS_ptrace,  SYS_request_key,
                                       SYS_setns,       SYS_unshare, SYS_userfaultfd,
                                       SYS_personality, SYS_kcmp,    SYS_process_vm_readv};
    enum { N = sizeof(refused) / sizeof(refused[0]) };
    struct sock_filter code[N + 3];
    code[0] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (unsigned i = 0; i < N; i++)
        code[1 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refused[i],
                                                   (uint8_t)(N - i), 0);
    code[N + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[N + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    const struct sock_fprog program = {N + 3, code};
    must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), "seccomp");
}

/* The first process of the pod becomes the program. */
static void become(const struct pod *pod, char **argv) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    must(sethostname(pod->name, strlen(pod->name)), "its name");
    enter_root(pod);
    drop_rights();
    filter();
    execv(argv[0], argv);
    fail(argv[0]);
}

static void note_pid(const char *path, pid_t pid) {
    char fresh[4096];
    if (!path) return;
    snprintf(fresh, sizeof(fresh), "%s.new", path);
    FILE *f = fopen(fresh, "we");
    if (!f) fail(fresh);
    fprintf(f, "%d", (int)pid);
    fclose(f);
    must(rename(fresh, path), path);
}

static int stay(pid_t pid, const sigset_t *set) {
    for (;;) {
        siginfo_t info;
        int status;
        if (sigwaitinfo(set, &info) == SIGTERM) kill(pid, SIGTERM);
        if (waitpid(pid, &status, WNOHANG) != pid) continue;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
}

static bool add_bind(struct pod *pod, char *text, bool writable) {
    char *colon = strchr(text, ':');
    if (!colon || pod->binds == BINDS) return false;
    *colon = '\0';
    pod->bind[pod->binds++] = (struct bind){text, colon + 1, writable};
    return true;
}

int main(int argc, char **argv) {
    struct pod pod = {.name = "pod"};
    sigset_t set;
    for (int c; (c = getopt(argc, argv, "+r:n:h:p:b:w:")) != -1;) {
        bool ok = c != '?';
        if (c == 'r') pod.root = optarg;
        if (c == 'n') pod.netns = optarg;
        if (c == 'h') pod.name = optarg;
        if (c == 'p') pod.pid_file = optarg;
        if (c == 'b' || c == 'w') ok = add_bind(&pod, optarg, c == 'w');
        if (!ok) return EX_OSERR;
    }
    if (!pod.root || optind == argc) return EX_OSERR;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int net = pod.netns ? open(pod.netns, O_RDONLY | O_CLOEXEC) : -1;
    if (pod.netns) must(net, pod.netns);
    if (net >= 0) must(setns(net, CLONE_NEWNET), pod.netns);
    must(unshare((net < 0 ? CLONE_NEWNET : 0) | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC),
         "namespaces");
    pid_t pid = fork();
    must(pid, "fork");
    if (pid == 0) become(&pod, argv + optind);
    note_pid(pod.pid_file, pid);
    return stay(pid, &set);
}
