#include "text/match_re2.h"

#include <re2/re2.h>
#include <re2/stringpiece.h>

#include <algorithm>
#include <cstdio>

/* StringPiece is RE2's own in the older versions, absl::string_view (in Debian 13 not the same type
   as std::string_view) in the newer. */

void *match_re2_new(const char *pattern, size_t len, size_t memory, char *msg, size_t size)
{
	RE2::Options opt;

	opt.set_log_errors(false);
	opt.set_max_mem(static_cast<int64_t>(memory));
	RE2 *re = new RE2(re2::StringPiece(pattern, len), opt);
	if (re->ok())
		return re;
	snprintf(msg, size, "%s", re->error().c_str());
	delete re;
	return nullptr;
}

void match_re2_free(void *re)
{
	delete static_cast<RE2 *>(re);
}

int match_re2_program(const void *re)
{
	const RE2 *r = static_cast<const RE2 *>(re);

	return std::max(r->ProgramSize(), r->ReverseProgramSize());
}

bool match_re2_text(const void *re, const char *text, size_t len)
{
	return static_cast<const RE2 *>(re)->Match(
		re2::StringPiece(text, len), 0, len, RE2::UNANCHORED, nullptr, 0);
}
