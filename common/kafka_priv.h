/* kafka_priv.h -- settings of Kafka clients: kafka_conf.c makes them for kafka.c.
 *
 * shapes   {name, value} rows, ended by a NULL name
 * units    none
 * errors   sw__kafka_conf: as sw_kafka_writer
 * owner    the caller gives *ret to rd_kafka_new or destroys it
 * source   librdkafka's CONFIGURATION.md
 * limits   none
 */
#ifndef SW_KAFKA_PRIV_H
#define SW_KAFKA_PRIV_H

#include "common/conf.h"

struct rd_kafka_conf_s;
struct rd_kafka_s;

struct sw__kafka_setting {
    const char *name, *value;
};

/* `ours` must be so, and nobody may say otherwise; `usual` may be changed in SLIPWAY_KAFKA_OPTIONS. */
int sw__kafka_conf(const struct sw_conf *conf, const struct sw__kafka_setting *usual,
                   const struct sw__kafka_setting *ours, struct rd_kafka_conf_s **ret, char *error,
                   size_t room);
/* A line of librdkafka's: to our log, those that repeat themselves once a minute. */
void sw__kafka_log(const struct rd_kafka_s *rk, int level, const char *facility, const char *text);

#endif
