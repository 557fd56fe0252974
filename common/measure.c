/* measure.c -- what is so now, as opposed to what was counted; looked at when somebody asks. See admin.h. */
#include "common/admin.h"
#include "common/clock.h"
#include "common/metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static bool is_ours(const struct sw_shard *shard) {
    return shard->state == SW_OURS || shard->state == SW_LEAVING;
}

unsigned sw__owned(const struct sw_run *run) {
    unsigned n = 0;
    for (unsigned i = 0; i < SW_SHARDS; i++)
        n += is_ours(&run->shard[i]);
    return n;
}

static int64_t most(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* What was there when the shard was taken is as old as its command, as far as anybody knows. */
static int64_t age_of(const struct sw_shard *shard, const struct sw_lane *lane) {
    int64_t age_ms = sw_age_ms(&lane->age, sw__boot_ms(), 2 * shard->run->conf.sweep_ms);
    const struct sw_entry *head = zlistx_head(lane->queue);
    if (lane->age.inherited && head && head->m && !sw__id_compare(head->id, lane->age.oldest))
        age_ms = most(age_ms, sw__shard_now_ms(shard) - head->m->born_ms);
    return age_ms;
}

static void measure_shards(const struct sw_run *run) {
    static const char *const lanes[SW_LANES] = {"urgent", "bulk"};
    int64_t owed[SW_LANES] = {0}, age_ms[SW_LANES] = {0}, late_ms = 0, dead = 0;
    sw__effects_measure(run->effects, owed, age_ms);
    for (unsigned i = 0; i < SW_SHARDS; i++) {
        const struct sw_shard *shard = &run->shard[i];
        if (!is_ours(shard)) continue;
        for (unsigned lane = 0; lane < SW_LANES; lane++) {
            owed[lane] += shard->lane[lane].owed;
            age_ms[lane] = most(age_ms[lane], age_of(shard, &shard->lane[lane]));
        }
        late_ms = most(late_ms, sw__shard_now_ms(shard) - shard->next_due_ms);
        dead += shard->dead;
    }
    for (unsigned lane = 0; lane < SW_LANES; lane++) {
        sw_metric_set(SW_M_OWED, owed[lane], run->role, lanes[lane]);
        sw_metric_set(SW_M_OLDEST_AGE_MS, age_ms[lane], run->role, lanes[lane]);
    }
    sw_metric_set(SW_M_TIMER_LATE_MS, late_ms, run->role);
    sw_metric_set(SW_M_DEAD_LETTERS, dead, run->role);
    sw_metric_set(SW_M_SHARDS_OWNED, sw__owned(run), run->role);
}

/* On CLOCK_BOOTTIME; 0, when the machine began, where /proc does not say. */
static int64_t began_at_ms(void) {
    long long ticks;
    char line[1024];
    FILE *f = fopen("/proc/self/stat", "re");
    size_t n = f ? fread(line, 1, sizeof(line) - 1, f) : 0;
    if (f) fclose(f);
    line[n] = 0;
    /* The name of the program may hold anything; 19 fields stand between it and the one that is meant. */
    const char *at = strrchr(line, ')');
    for (int i = 0; at && i < 20; i++)
        at = strchr(at + 1, ' ');
    return at && sscanf(at, " %lld", &ticks) == 1 ? ticks * 1000 / sysconf(_SC_CLK_TCK) : 0;
}

static void measure_process(void) {
    struct rlimit files;
    long long pages;
    int64_t open = -1; /* the one that looks */
    /* Once: a clock that is set does not begin it anew. */
    if (!sw_metric_value(SW_M_START_MS))
        sw_metric_set(SW_M_START_MS,
                      sw_clock_ms(CLOCK_REALTIME) - sw_clock_ms(CLOCK_BOOTTIME) + began_at_ms());
    sw_metric_add(SW_M_CPU_MS,
                  most(0, sw_clock_ms(CLOCK_PROCESS_CPUTIME_ID) - sw_metric_value(SW_M_CPU_MS)));
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%*s %lld", &pages) == 1)
        sw_metric_set(SW_M_MEMORY, pages * sysconf(_SC_PAGESIZE));
    if (f) fclose(f);
    DIR *d = opendir("/proc/self/fd");
    for (struct dirent *e; d && (e = readdir(d));)
        open += e->d_name[0] != '.';
    if (d) closedir(d);
    if (open >= 0) sw_metric_set(SW_M_OPEN_FDS, open);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) sw_metric_set(SW_M_MAX_FDS, (int64_t)files.rlim_cur);
}

void sw__measure(const struct sw_run *run) {
    sw_metric_set(SW_M_BUILD, 1, run->role, SW_VERSION);
    sw_metric_set(SW_M_READY, sw__ready(run), run->role);
    sw_metric_set(SW_M_REDIS_UP, sw__ledgers_up(run) == run->ledgers, run->role);
    if (run->actor) measure_shards(run);
    measure_process();
}
