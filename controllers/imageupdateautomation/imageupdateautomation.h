/*
 * The kind ImageUpdateAutomation (image.toolkit.fluxcd.io/v1): writes what ImagePolicies have
 * chosen into the files of a Git repository, as a commit that it pushes. What is there and what was
 * chosen it knows from watches of its own (image/choices.h, sources.h); a run that has nothing new
 * to do is one question for the remote's refs. Loop thread.
 *
 *	struct controller *c = imageupdateautomation_new(&opts);
 *	controller_start(c);     and on as ctl/controller.h says
 */
#ifndef IMAGEUPDATEAUTOMATION_IMAGEUPDATEAUTOMATION_H
#define IMAGEUPDATEAUTOMATION_IMAGEUPDATEAUTOMATION_H
#include "ctl/controller.h"
#include "source/git_login.h"

struct account;
struct forge;
struct gitc_client;

struct imageupdateautomation_opts {
	struct controller_opts controller; /* its env and what is done with it are set here */
	struct git_login_opts login;
	struct gitc_client *git;
	struct forge *forge;
	struct account *account; /* memory for commits; NULL: none is counted */
	const char *folder; /* where gpg may have a home for a moment */
	bool no_cross_namespace; /* --no-cross-namespace-refs */
	bool no_force_push; /* the gate GitForcePushBranch is off */
	bool no_all_branches; /* and GitAllBranchReferences */
};

extern const struct kind imageupdateautomation_kind;

/* Strings are copied, the rest is borrowed. */
struct controller *imageupdateautomation_new(const struct imageupdateautomation_opts *opts);

#endif
