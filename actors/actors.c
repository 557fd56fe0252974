/* actors.c -- keeps the library's interface in one place; see actors.h. */
#include "actors/actors.h"
