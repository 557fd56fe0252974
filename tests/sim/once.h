/* once.h -- `slipway-sim once`: one command from typing to its final answer, as text.
 *
 * shapes   standard output: the typed line, the messages (threads indented), then for each platform
 *          "NAME received:" and a line "METHOD /path status" for each request, in their order
 * units    --timeout in seconds
 * errors   exit status: 0 a final answer came, 1 it did not (what there is is printed), 2 usage
 * owner    a process of its own, beside the sim that it talks to
 * source   none
 * limits   one command
 */
#ifndef SIM_ONCE_H
#define SIM_ONCE_H

int sim_once_main(int argc, char **argv);

#endif
