/* version.h -- the libraries that this process is linked with.
 *
 * shapes   {"<library>": "<version>"}
 * units    none
 * errors   none
 * owner    the caller frees
 * source   what each library says of itself at run time; of hiredis what it was compiled with
 * limits   none
 */
#ifndef SW_VERSION_H
#define SW_VERSION_H

#include <jansson.h>

json_t *sw_version_libraries(void);

#endif
