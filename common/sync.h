/* sync.h -- Redis for a command of the operator: one question, one answer, no loop.
 *
 * shapes   `error` gets one line that names the address and what is wrong with it
 * units    none
 * errors   -ENOTCONN no connection, or none any more; -EIO Redis answered with an error
 * owner    the caller closes (redisFree) and frees replies (freeReplyObject)
 * source   hiredis
 * limits   2 s to connect, 10 s for an answer
 */
#ifndef SW_SYNC_H
#define SW_SYNC_H

#include "common/conf.h"

struct redisContext;
struct redisReply;

int sw_sync_connect(const struct sw_conf *conf, struct redisContext **ret, char *error,
                    size_t room);
/* A command of NULL-terminated plain words. */
int sw_sync_ask(const struct sw_conf *conf, struct redisContext *redis, struct redisReply **ret,
                char *error, size_t room, ...);
/* The next answer to what was appended (hiredis redisAppendCommandArgv). */
int sw_sync_take(const struct sw_conf *conf, struct redisContext *redis, struct redisReply **ret,
                 char *error, size_t room);

#endif
