/* crash.h -- named places where a test may kill the process.
 *
 * shapes   SW_CRASH("after-commit-before-wire"); the file named by SLIPWAY_CRASH_FILE holds "<role> <point> <n>":
 *          the n-th time the role comes by, the file is removed and the process gets SIGKILL;
 *          SLIPWAY_CRASH_TRACE names a file that gets a line "<role> <point>" at each passing
 * units    none
 * errors   none: without a file, or in a build without crash points, nothing happens
 * owner    the loop thread
 * source   invariants: each step is hit on purpose
 * limits   compiled in only with -Dcrash_points=true
 */
#ifndef SW_CRASH_H
#define SW_CRASH_H

#if SW_CRASH_POINTS
void sw_crash_role(const char *role);
void sw_crash_point(const char *point);
#define SW_CRASH(point) sw_crash_point(point)
#else
#define sw_crash_role(role) ((void)(role))
#define SW_CRASH(point) ((void)0)
#endif

#endif
