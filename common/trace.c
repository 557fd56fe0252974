/* trace.c -- a shared page; see trace.h. */
#include "common/trace.h"

#include "common/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAGIC 0x53570002u
#define KEPT_S 3600
#define ENDING ".at"

/* What `left` holds. Any of it: it ended by itself. */
#define LEFT 1u
#define STALE 2u

struct page {
    uint32_t magic, inside, hung, left, shard, lane;
    uint64_t gen, seq;
    uint8_t busy[SW_TRACE_SHARDS];
};

/* One process, one page: the watchdog's signal handler must find it. */
static volatile struct page *mine;
static char *mine_path;

static bool is_stale(int fd, struct page *page) {
    return pread(fd, page, sizeof(*page), 0) == sizeof(*page) && page->magic == MAGIC &&
           page->left & STALE;
}

/* Whether the owner of a file that nobody holds was stale and is told of now for the first time. */
static bool tell_stale(int fd) {
    struct page page;
    if (!is_stale(fd, &page)) return false;
    page.left = LEFT;
    return pwrite(fd, &page, sizeof(page), 0) == sizeof(page);
}

/* Looks at leaves of this role whose owners died, and removes those of long ago. */
static unsigned tidy(const char *dir, const char *role) {
    DIR *d = opendir(dir);
    size_t n = strlen(role);
    unsigned stale = 0;
    struct page page;
    for (struct dirent *e; d && (e = readdir(d));) {
        size_t size = strlen(e->d_name), end = strlen(ENDING);
        struct stat st;
        if (strncmp(e->d_name, role, n) != 0 || e->d_name[n] != '-' || size < end ||
            strcmp(e->d_name + size - end, ENDING) != 0)
            continue;
        int fd = openat(dirfd(d), e->d_name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0) continue;
        /* Who finds a lock takes it for the owner's, so it is held only where there is something to do. */
        bool old = fstat(fd, &st) == 0 && st.st_mtime < time(NULL) - KEPT_S;
        if ((old || is_stale(fd, &page)) && flock(fd, LOCK_EX | LOCK_NB) == 0) {
            stale += tell_stale(fd);
            if (old) unlinkat(dirfd(d), e->d_name, 0);
        }
        close(fd);
    }
    if (d) closedir(d);
    return stale;
}

unsigned sw_trace_open(const char *dir, const char *role, const char *nonce) {
    unsigned stale = tidy(dir, role);
    char *path = sw_printf("%s/%s-%s" ENDING, dir, role, nonce);
    /* The descriptor stays open: it holds the lock until the process ends. */
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    void *page = MAP_FAILED;
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && ftruncate(fd, sizeof(struct page)) == 0)
        page = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) {
        if (fd >= 0) close(fd);
        free(path);
        return stale;
    }
    mine = page;
    mine->magic = MAGIC;
    mine_path = path;
    return stale;
}

void sw_trace_close(bool released) {
    if (!mine) return;
    mine->inside = 0;
    mine->left |= LEFT;
    for (unsigned i = 0; i < SW_TRACE_SHARDS; i++)
        mine->busy[i] = 0;
    if (released) unlink(mine_path);
    free(sw_take(&mine_path));
    mine = NULL; /* the mapping and the lock end with the process */
}

void sw_trace_begin(unsigned shard, unsigned lane, uint64_t gen, uint64_t seq) {
    if (!mine) return;
    mine->shard = shard;
    mine->lane = lane;
    mine->gen = gen;
    mine->seq = seq;
    atomic_signal_fence(memory_order_seq_cst);
    mine->inside = 1;
}

void sw_trace_end(void) {
    if (mine) mine->inside = 0;
}

void sw_trace_busy(unsigned shard, bool busy) {
    if (mine) mine->busy[shard] = busy;
}

void sw_trace_stale(void) {
    if (mine) mine->left |= STALE;
}

void sw_trace_hung(void) {
    if (mine) mine->hung = 1;
}

struct sw_ending sw_trace_read(const char *dir, const char *role, const char *nonce,
                               unsigned shard) {
    struct sw_ending ending = {.how = SW_ENDED_UNKNOWN};
    struct page page;
    if (!nonce[0] || strspn(nonce, "0123456789abcdef") != strlen(nonce)) return ending;
    SW_AUTO(sw_text) char *path = sw_printf("%s/%s-%s" ENDING, dir, role, nonce);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return ending;
    /* Shared: several that take over may ask at once. */
    bool lives = flock(fd, LOCK_SH | LOCK_NB) < 0;
    if (read(fd, &page, sizeof(page)) == sizeof(page) && page.magic == MAGIC) {
        ending.how = page.busy[shard] && !lives ? SW_ENDED_BUSY : SW_ENDED_QUIET;
        ending.blameless = lives || page.left;
        if (page.inside && page.shard == shard) {
            /* One that lives and is in a handler has been there for longer than its lease lasted. */
            ending.how = page.hung || lives ? SW_ENDED_HUNG : SW_ENDED_CRASHED;
            ending.lane = page.lane;
            ending.gen = page.gen;
            ending.seq = page.seq;
        }
    }
    close(fd);
    return ending;
}
