/* cli_trace.h -- how `slipway trace` shows a story; apart from cli_trace.c for its test.
 *
 * shapes   story: common/story_read.h
 * units    at in seconds since the command came in, waited and took in ms
 * errors   none
 * owner    none
 * source   cli.h
 * limits   none
 */
#ifndef SW_CLI_TRACE_H
#define SW_CLI_TRACE_H

#include <jansson.h>

/* On standard output. */
void sw_cli_trace_print(const json_t *story);

#endif
