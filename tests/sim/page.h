/* page.h -- the demo page's files, which the build puts into the binary.
 *
 * shapes   a table that ends with a NULL name; made of tests/sim/page/ by scripts/embed
 * units    size_bytes
 * errors   none
 * owner    static
 * source   none
 * limits   none
 */
#ifndef SIM_PAGE_H
#define SIM_PAGE_H

#include <stddef.h>

struct sim_page_file {
    const char *name, *type;
    const unsigned char *data;
    size_t size_bytes;
};
extern const struct sim_page_file sim_page_files[];

#endif
