#include "text/match_re2.h"

#include "text/match.h"

#include <re2/re2.h>
#include <re2/stringpiece.h>

#include <algorithm>
#include <cstdio>
#include <vector>

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

int match_re2_groups(const void *re)
{
	return static_cast<const RE2 *>(re)->NumberOfCapturingGroups();
}

const char *match_re2_group_name(const void *re, int n)
{
	const auto &names = static_cast<const RE2 *>(re)->CapturingGroupNames();
	const auto at = names.find(n);

	return at == names.end() ? nullptr : at->second.c_str();
}

bool match_re2_spans(const void *re, const char *text, size_t len, size_t from,
	struct match_span *spans, size_t n)
{
	std::vector<re2::StringPiece> found(n);
	size_t i;

	if (!static_cast<const RE2 *>(re)->Match(re2::StringPiece(text, len), from, len,
		    RE2::UNANCHORED, found.data(), static_cast<int>(n)))
		return false;
	for (i = 0; i < n; i++) {
		bool took_part = found[i].data() != nullptr;

		spans[i].from =
			took_part ? static_cast<size_t>(found[i].data() - text) : MATCH_RE2_NONE;
		spans[i].to = took_part ? spans[i].from + found[i].size() : MATCH_RE2_NONE;
	}
	return true;
}
