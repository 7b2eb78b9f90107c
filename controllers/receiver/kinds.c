#include "controllers/receiver/kinds.h"

#include "base/mem.h"

#include <string.h>

#define SOURCE "source.toolkit.fluxcd.io/v1"
#define IMAGE_REPOSITORY "ImageRepository"

static const struct receiver_target TARGETS[] = {
	{"Bucket", "buckets", SOURCE},
	{"GitRepository", "gitrepositories", SOURCE},
	{"HelmChart", "helmcharts", SOURCE},
	{"HelmRepository", "helmrepositories", SOURCE},
	{"OCIRepository", "ocirepositories", SOURCE},
	{"ExternalArtifact", "externalartifacts", NULL},
	{"ArtifactGenerator", "artifactgenerators", "source.extensions.fluxcd.io/v1beta1"},
	{IMAGE_REPOSITORY, "imagerepositories", "image.toolkit.fluxcd.io/v1"},
	{"ImagePolicy", "imagepolicies", NULL},
	{"ImageUpdateAutomation", "imageupdateautomations", NULL},
	{"Kustomization", "kustomizations", NULL},
	{"HelmRelease", "helmreleases", NULL},
};

const struct receiver_target *receiver_target_find(const char *kind)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(TARGETS); i++)
		if (!strcmp(kind, TARGETS[i].kind))
			return &TARGETS[i];
	return NULL;
}

bool receiver_target_is_image(const struct receiver_target *t)
{
	return !strcmp(t->kind, IMAGE_REPOSITORY);
}
