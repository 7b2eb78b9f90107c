/*
 * The order in which tags are shown: versions first, the highest of them first, then all others by
 * name. A registry's own order is that of bytes, in which 1.10.0 stands before 1.9.0. No state.
 */
#ifndef OCICTL_ORDER_H
#define OCICTL_ORDER_H

/* Below 0: a comes first. layer_type as of --layer-type, or NULL: in the tags of Helm charts '_'
   stands for '+'. */
int ocictl_tags_compare(const char *a, const char *b, const char *layer_type);

#endif
