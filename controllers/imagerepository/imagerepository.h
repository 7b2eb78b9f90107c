/*
 * The kind ImageRepository (image.toolkit.fluxcd.io/v1): the tags of an image's repository, scanned
 * at an interval and kept in the database that policies read (image/catalog.h). The framework is
 * lib/ctl, who asks a registry is lib/source; here stands what is special. Loop thread.
 *
 *	struct controller *c = imagerepository_new(&opts);
 *	controller_start(c);     and on as ctl/controller.h says
 */
#ifndef IMAGEREPOSITORY_IMAGEREPOSITORY_H
#define IMAGEREPOSITORY_IMAGEREPOSITORY_H
#include "ctl/controller.h"
#include "source/registry.h"

struct account;
struct image_catalog;

struct imagerepository_opts {
	struct controller_opts controller; /* its env and what is done with it are set here */
	struct registry_opts registry;
	struct image_catalog *catalog; /* filled by this kind; it goes after the controller */
	struct account *account; /* memory for long lists; NULL: none is counted */
};

extern const struct kind imagerepository_kind;

/* Strings are copied, the rest is borrowed. */
struct controller *imagerepository_new(const struct imagerepository_opts *opts);

#endif
