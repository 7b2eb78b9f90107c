/*
 * Which functions and operators there are. Their overloads are facts of cel-spec's list of standard
 * definitions and of cel-go's extensions; their order is cel-go's.
 */
#include "base/mem.h"
#include "text/cel_internal.h"

#include <string.h>

#define NUMBERS "ii:b id:b iu:b uu:b ud:b ui:b dd:b di:b du:b"
#define ORDERED "bb:b " NUMBERS " ss:b yy:b tt:b rr:b"

enum style {
	OPERATOR,
	GLOBAL,
	CONVERTS, /* global too */
	MEMBER,
	BOTH,
};

#define ROW(name, style, sigs, run) \
	{name, (style) == MEMBER || (style) == BOTH, (style) != MEMBER, (style) == CONVERTS, sigs, \
		run}

static const struct cel_fn fns[] = {
	ROW("_?_:_", OPERATOR, "bAA:A", NULL),
	ROW("!_", OPERATOR, "b:b", cel_op_not),
	ROW("-_", OPERATOR, "d:d i:i", cel_op_neg),
	ROW("_==_", OPERATOR, "AA:b", cel_op_equal),
	ROW("_!=_", OPERATOR, "AA:b", cel_op_not_equal),
	ROW("_+_", OPERATOR, "yy:y dd:d rr:r rt:t tr:t ii:i [A[A:[A ss:s uu:u", cel_op_add),
	ROW("_-_", OPERATOR, "dd:d rr:r ii:i tr:t tt:r uu:u", cel_op_sub),
	ROW("_*_", OPERATOR, "dd:d ii:i uu:u", cel_op_mul),
	ROW("_/_", OPERATOR, "dd:d ii:i uu:u", cel_op_div),
	ROW("_%_", OPERATOR, "ii:i uu:u", cel_op_mod),
	ROW("_<_", OPERATOR, ORDERED, cel_op_less),
	ROW("_<=_", OPERATOR, ORDERED, cel_op_less_equal),
	ROW("_>_", OPERATOR, ORDERED, cel_op_greater),
	ROW("_>=_", OPERATOR, ORDERED, cel_op_greater_equal),
	ROW("@in", OPERATOR, "A[A:b A{AB:b", cel_op_in),
	ROW("_[_]", OPERATOR, "[Ai:A {ABA:B ?[Ai:?A ?{ABA:?B", NULL),
	ROW("_[?_]", OPERATOR, "[Ai:?A ?[Ai:?A {ABA:?B ?{ABA:?B", NULL),
	ROW("size", BOTH, "y:i [A:i {AB:i s:i", cel_size),
	ROW("type", CONVERTS, "A:TA", cel_to_type),
	ROW("dyn", CONVERTS, "A:*", cel_to_dyn),
	ROW("bool", CONVERTS, "b:b s:b", cel_to_bool),
	ROW("bytes", CONVERTS, "y:y s:y", cel_to_bytes),
	ROW("double", CONVERTS, "d:d i:d s:d u:d", cel_to_double),
	ROW("duration", CONVERTS, "r:r i:r s:r", cel_to_duration),
	ROW("int", CONVERTS, "i:i d:i r:i s:i t:i u:i", cel_to_int),
	ROW("string", CONVERTS, "s:s b:s y:s d:s r:s i:s t:s u:s", cel_to_string),
	ROW("timestamp", CONVERTS, "t:t i:t s:t", cel_to_timestamp),
	ROW("uint", CONVERTS, "u:u d:u i:u s:u", cel_to_uint),
	ROW("contains", MEMBER, "ss:b", cel_text_contains),
	ROW("startsWith", MEMBER, "ss:b", cel_text_starts_with),
	ROW("endsWith", MEMBER, "ss:b", cel_text_ends_with),
	ROW("matches", BOTH, "ss:b", cel_text_matches),
	ROW("charAt", MEMBER, "si:s", cel_text_char_at),
	ROW("indexOf", MEMBER, "ss:i ssi:i", cel_text_index_of),
	ROW("lastIndexOf", MEMBER, "ss:i ssi:i", cel_text_last_index_of),
	ROW("lowerAscii", MEMBER, "s:s", cel_text_lower),
	ROW("upperAscii", MEMBER, "s:s", cel_text_upper),
	ROW("replace", MEMBER, "sss:s sssi:s", cel_text_replace),
	ROW("split", MEMBER, "ss:[s ssi:[s", cel_text_split),
	ROW("substring", MEMBER, "si:s sii:s", cel_text_substring),
	ROW("trim", MEMBER, "s:s", cel_text_trim),
	ROW("join", MEMBER, "[s:s [ss:s", cel_text_join),
	ROW("optional.of", GLOBAL, "A:?A", cel_optional_of),
	ROW("optional.none", GLOBAL, ":?A", cel_optional_none),
	ROW("optional.ofNonZeroValue", GLOBAL, "A:?A", cel_optional_nonzero),
	ROW("value", MEMBER, "?A:A", cel_optional_value),
	ROW("hasValue", MEMBER, "?A:b", cel_optional_has_value),
	ROW("or", MEMBER, "?A?A:?A", NULL),
	ROW("orValue", MEMBER, "?AA:A", NULL),
	ROW("first", MEMBER, "[A:?A", cel_list_first),
	ROW("last", MEMBER, "[A:?A", cel_list_last),
	ROW("sets.contains", GLOBAL, "[A[A:b", cel_set_contains),
	ROW("sets.equivalent", GLOBAL, "[A[A:b", cel_set_equivalent),
	ROW("sets.intersects", GLOBAL, "[A[A:b", cel_set_intersects),
	ROW("base64.encode", GLOBAL, "y:s", cel_base64_encode),
	ROW("base64.decode", GLOBAL, "s:y", cel_base64_decode),
};

const struct cel_fn *cel_fn_find(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(fns); i++)
		if (strlen(fns[i].name) == len && !memcmp(fns[i].name, name, len))
			return &fns[i];
	return NULL;
}

/* Goes over one type of a signature, which may have parts. */
static void skip_type(const char **sig)
{
	char letter = *(*sig)++;

	if (letter == '[' || letter == '?' || letter == '{' || letter == 'T')
		skip_type(sig);
	if (letter == '{')
		skip_type(sig);
}

static bool value_fits(char letter, enum cel_kind kind)
{
	static const char letters[] = {[CEL_NULL] = 'n',
		[CEL_BOOL] = 'b',
		[CEL_INT] = 'i',
		[CEL_UINT] = 'u',
		[CEL_DOUBLE] = 'd',
		[CEL_STRING] = 's',
		[CEL_BYTES] = 'y',
		[CEL_LIST] = '[',
		[CEL_MAP] = '{',
		[CEL_TIMESTAMP] = 't',
		[CEL_DURATION] = 'r',
		[CEL_OPTIONAL] = '?',
		[CEL_TYPE] = 'T'};

	return letter == 'A' || letter == 'B' || letter == '*' || letters[kind] == letter;
}

bool cel_sigs_fit(const char *sig, bool any, const struct cel_val *args, size_t n)
{
	do {
		size_t i = 0;
		bool fits = true;

		for (; *sig != ':'; i++) {
			fits = fits && i < n && value_fits(*sig, args[i].kind);
			skip_type(&sig);
		}
		if (fits && i == n)
			return true;
		sig++;
		skip_type(&sig);
		sig += *sig == ' ';
	} while (any && *sig);
	return false;
}
