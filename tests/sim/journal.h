/* journal.h -- every request the simulated platforms received, oldest first.
 *
 * shapes   a ring of entries {n, at_ms, method, path, status, upstream, fault?, body?}
 * units    at_ms since 1970 UTC
 * errors   none
 * owner    the one thread of the sim
 * source   none
 * limits   `--journal` entries (100,000); 4 KiB of each body, 64 MiB of bodies in all; bodies of
 *          the OAuth endpoints and of webhooks are never kept, the signed links of builds are blanked, /commands
 *          paths are shown without their secret
 */
#ifndef SIM_JOURNAL_H
#define SIM_JOURNAL_H

#include "state.h"

struct sim_journal *sim_journal_create(size_t entries);
void sim_journal_destroy(struct sim_journal *journal);
void sim_journal_forget(struct sim_journal *journal);
void sim_journal_add(struct sim *sim, const struct sim_req *req);
json_t *sim_journal_totals(const struct sim *sim); /* requests per upstream, new */
void sim_journal_view(struct sim *sim, struct sim_req *req);

#endif
