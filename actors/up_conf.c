/* up_conf.c -- what `slipway up` reads and writes beside its children; see up_priv.h. */
#include "actors/cli.h"
#include "actors/up_priv.h"
#include "common/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int set_default(const char *name, const char *directory, const char *leaf) {
    const char *value = getenv(name);
    if (value && value[0]) return 0;
    SW_AUTO(sw_text) char *path = sw_printf("%s/%s", directory, leaf);
    return setenv(name, path, 1) < 0 ? -errno : 0;
}

int sw__up_conf_defaults(void) {
    if (geteuid() == 0) return 0; /* what conf.h says is right for root */
    SW_AUTO(sw_text) char *here = realpath(".", NULL);
    if (!here) return -errno;
    SW_AUTO(sw_text) char *kept = sw_printf("%s/.slipway", here);
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    bool has_runtime = runtime && runtime[0] == '/' && access(runtime, W_OK) == 0;
    SW_AUTO(sw_text) char *run = has_runtime ? sw_printf("%s/slipway", runtime) : sw_strdup(kept);
    int r = set_default("SLIPWAY_RUN_DIR", run, "run");
    if (r < 0) return r;
    r = set_default("SLIPWAY_DATA_DIR", kept, "data");
    if (r < 0) return r;
    return set_default("SLIPWAY_KEY_DIR", kept, "keys");
}

/* Each would be found out only by the first person who tries. */
void sw__up_conf_doubt(const struct sw_conf *conf) {
    struct sw_missing missing[SW_MISSING_MAX];
    size_t count = sw_cli_missing(conf, missing);
    for (size_t i = 0; i < count; i++)
        sw__up_say("SLIPWAY_%s is not set: %s", missing[i].name, missing[i].without);
    if (sw_cli_base_is_wrong(conf))
        sw__up_say("SLIPWAY_BASE_URL is no https URL: Slack sends nobody there");
}

/* The last directory of the path is private; those above it are as anyone would make them. */
int sw__up_conf_mkdir(const char *path) {
    SW_AUTO(sw_text) char *part = sw_strdup(path);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0755) < 0 && errno != EEXIST) return -errno;
        *slash = '/';
    }
    if (mkdir(part, 0700) < 0 && errno != EEXIST) return -errno;
    return 0;
}

static void set_replicas(struct up *up, const char *role, unsigned replicas) {
    unsigned have = 0;
    for (size_t i = 0; i < up->children; i++) {
        struct up_child *child = &up->child[i];
        if (strcmp(child->role, role) != 0) continue;
        child->wanted = child->number <= replicas;
        if (child->number > have) have = child->number;
    }
    while (have < replicas) {
        sw__up_child_add(up, role, ++have);
    }
}

int sw__up_conf_replicas(struct up *up, const char *text) {
    const char *equals = strchr(text, '=');
    const char *number = equals ? equals + 1 : text;
    char *end;
    if (number[0] < '0' || number[0] > '9') return -EINVAL;
    unsigned long replicas = strtoul(number, &end, 10);
    if (*end || replicas > UP_REPLICAS_MAX) return -EINVAL;

    bool known = false;
    for (size_t i = 0; i < UP_ROLES; i++) {
        const char *role = sw__up_role[i];
        size_t length = strlen(role);
        if (equals && (length != (size_t)(equals - text) || memcmp(role, text, length) != 0)) {
            continue;
        }
        set_replicas(up, role, (unsigned)replicas);
        known = true;
    }
    return known ? 0 : -EINVAL;
}

int sw__up_conf_replicas_file(struct up *up) {
    SW_AUTO(sw_text) char *path = sw_printf("%s/replicas", up->conf.run_dir);
    FILE *file = fopen(path, "re");
    if (!file) return -errno;
    char line[128];
    int r = 0;
    while (fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] && sw__up_conf_replicas(up, line) < 0) r = -EINVAL;
    }
    fclose(file);
    return r;
}

static json_t *describe(const struct up *up) {
    json_t *actors = json_array();
    const char *ingress = NULL;
    for (size_t i = 0; i < up->children; i++) {
        const struct up_child *child = &up->child[i];
        if (!child->ready || child->pid <= 0) continue;
        if (!ingress && child->http[0]) ingress = child->http;
        json_t *one = json_pack("{s:s, s:i, s:s}", "role", child->role, "pid", (int)child->pid,
                                "admin", child->admin);
        if (child->http[0]) json_object_set_new(one, "http", json_string(child->http));
        json_array_append_new(actors, one);
    }
    json_t *all = json_object();
    if (ingress) json_object_set_new(all, "ingress", json_string(ingress));
    if (up->own_redis && up->redis.pid > 0) {
        json_object_set_new(
            all, "redis",
            json_pack("{s:i, s:s}", "pid", (int)up->redis.pid, "socket", up->redis_socket));
    }
    json_object_set_new(all, "actors", actors);
    return all;
}

/* True where nobody listens any more. */
static bool is_deserted(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) return false;
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    bool refused = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0;
    refused = refused && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

void sw__up_conf_clean(const struct up *up, int64_t least_age_s) {
    DIR *dir = opendir(up->conf.run_dir);
    if (!dir) return;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        const char *end = strrchr(entry->d_name, '.');
        struct stat st;
        if (!end || strcmp(end, ".sock") != 0) continue;
        SW_AUTO(sw_text) char *path = sw_printf("%s/%s", up->conf.run_dir, entry->d_name);
        /* A young one may be bound and not yet listened on. */
        if (stat(path, &st) < 0 || time(NULL) - st.st_mtime < least_age_s) continue;
        if (is_deserted(path)) unlink(path);
    }
    closedir(dir);
}

/* A reader sees the old file or the new one, never half of it. */
int sw__up_conf_write(const struct up *up) {
    SW_AUTO(sw_text) char *path = sw_printf("%s/actors.json", up->conf.run_dir);
    SW_AUTO(sw_text) char *fresh = sw_printf("%s.new", path);
    SW_AUTO(sw_json) json_t *all = describe(up);
    if (json_dump_file(all, fresh, JSON_INDENT(1)) < 0) return -EIO;
    return rename(fresh, path) < 0 ? -errno : 0;
}
