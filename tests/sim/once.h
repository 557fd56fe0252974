/* once.h -- `slipway-sim once`: commands from typing to their final answer, as text.
 *
 * shapes   for each command, on standard output: the typed line or the "[Label]" of the button, the
 *          messages (threads indented), then for each platform "NAME received:" and a line
 *          "METHOD /path status" for each request, in their order. A button of the page ("[Push a commit]") is
 *          over when all that it began has ended; then also messages that changed are printed, and for each
 *          platform "NAME told Slipway:" and a line for each webhook
 * units    --timeout in seconds
 * errors   exit status: 0 a final answer came, 1 it did not (what there is is printed), 2 usage
 * owner    a process of its own, beside the sim that it talks to
 * source   none
 * limits   32 lines, one after the other: the next is typed when the one before was answered
 */
#ifndef SIM_ONCE_H
#define SIM_ONCE_H

int sim_once_main(int argc, char **argv);

#endif
