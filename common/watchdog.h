/* watchdog.h -- a handler that does not come back ends its process.
 *
 * shapes   begin before a handler, end after it
 * units    seconds
 * errors   none
 * owner    the loop thread; the check runs in a signal handler
 * source   invariant I14: a message that loops for ever is poison like one that crashes
 * limits   10 to 15 s
 */
#ifndef SW_WATCHDOG_H
#define SW_WATCHDOG_H

void sw_watchdog_start(void);
void sw_watchdog_begin(void);
void sw_watchdog_end(void);

#endif
