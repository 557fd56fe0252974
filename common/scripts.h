/* scripts.h -- the text of the Redis scripts, made from common/lua at build time.
 *
 * shapes   one string a script, in the order of enum sw_script
 * units    none
 * errors   none
 * owner    static
 * source   common/lua
 * limits   none
 */
#ifndef SW_SCRIPTS_H
#define SW_SCRIPTS_H

extern const char *const sw_script_text[];

#endif
