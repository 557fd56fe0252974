/* actors.h -- the actors of this program, in the order of a command's way.
 *
 * shapes   one struct sw_actor each; ingress decides about HTTP requests instead (sw_ingress_decide)
 * units    none
 * errors   none
 * owner    static
 * source   common/actor.h, common/door.h
 * limits   none
 */
#ifndef SW_ACTORS_H
#define SW_ACTORS_H

#include "common/actor.h"

extern const struct sw_actor sw_actor_parser;
extern const struct sw_actor sw_actor_auth;
extern const struct sw_actor sw_actor_executor;
extern const struct sw_actor sw_actor_responder;
extern const struct sw_actor sw_actor_notifier;
extern const struct sw_actor sw_actor_refresher;

#endif
