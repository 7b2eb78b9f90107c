/* A kind of a few rows, without an artifact. */
#ifndef UNIT_CTL_TOY_H
#define UNIT_CTL_TOY_H
#include "ctl/kind.h"

extern const struct kind toy_kind;

#endif
