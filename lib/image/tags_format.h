/* What the reader and the writer of a file of tags (tags.h) both have to know. Internal to
   lib/image. */
#ifndef IMAGE_TAGS_FORMAT_H
#define IMAGE_TAGS_FORMAT_H

#define IMAGE_TAGS_MAGIC "oci-source-controller tags"
#define IMAGE_TAGS_VERSION "1"
#define IMAGE_TAGS_END "end "
#define IMAGE_TAGS_TIME_MAX 99999999999ULL /* seconds: the year 5138 */

#endif
