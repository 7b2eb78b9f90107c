/*
 * What makes two fetches the same, and what makes one follow another. Inside lib/git only; any
 * thread. The caller frees what it gets.
 */
#ifndef GIT_FETCH_KEY_H
#define GIT_FETCH_KEY_H

struct gitc_fetch_req;

/* Of the same key: the same objects, from the same place, as the same, under the same bounds. */
char *gitc_fetch_key(const struct gitc_fetch_req *req);
/* Of the same line: commits of the same branch, from the same place, as the same, under the same
   bounds. The branch comes last, behind a newline. */
char *gitc_fetch_line(const struct gitc_fetch_req *req);

#endif
