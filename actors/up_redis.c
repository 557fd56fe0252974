/* up_redis.c -- the private Redis of one machine: only a unix socket, nothing evicted, everything
 * on disk before it is answered (durability disk); see up_priv.h. */
#include "actors/up_priv.h"
#include "common/mem.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

int sw__up_redis_start(struct up *up) {
    bool disk = strcmp(up->conf.durability, "memory") != 0;
    SW_AUTO(sw_text) char *log = sw_printf("%s/redis.log", up->conf.data_dir);
    char *argv[] = {
        "redis-server",
        "--port",
        "0",
        "--unixsocket",
        up->redis_socket,
        "--unixsocketperm",
        "700",
        "--dir",
        up->conf.data_dir,
        "--appendonly",
        "yes",
        "--appendfsync",
        disk ? "always" : "everysec",
        "--save",
        "",
        "--maxmemory-policy",
        "noeviction",
        "--daemonize",
        "no",
        "--loglevel",
        "notice",
        "--logfile",
        log,
        NULL,
    };
    pid_t pid = sw__up_child_spawn(up, &up->redis, argv, NULL);
    if (pid < 0) return (int)pid;
    up->redis.pid = pid;
    up->redis.spawned_ms = sw__up_now_ms();
    return 0;
}

/* Redis says PONG, so it is not loading any more. */
bool sw__up_redis_answers(const struct up *up) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(up->redis_socket) >= sizeof(address.sun_path)) return false;
    strcpy(address.sun_path, up->redis_socket);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    struct timeval patience = {.tv_usec = 200 * 1000};
    char reply[16] = "";
    bool pong = setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
                connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
                send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6 &&
                recv(fd, reply, sizeof(reply) - 1, 0) >= 5 && memcmp(reply, "+PONG", 5) == 0;
    close(fd);
    return pong;
}
