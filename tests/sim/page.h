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

#include <jansson.h>
#include <stddef.h>

struct sim_page_file {
    const char *name, *type;
    const unsigned char *data;
    size_t size_bytes;
};
extern const struct sim_page_file sim_page_files[];

/* {templates: [{name, message}]}: all golden files, sorted, of the folder of the sources, or of
 * $SIM_GOLDEN. The caller owns it. */
json_t *sim_page_golden(void);

#endif
