/*
 * Properties: an error has a line that the text has; what is read stays within the limits, is
 * UTF-8, and written as JSON and read again is the same value.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "text/yaml.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned depth(json_t *v)
{
	unsigned most = 0, d;
	const char *key;
	json_t *below;
	size_t i;

	json_object_foreach (v, key, below) {
		d = depth(below);
		most = d > most ? d : most;
	}
	json_array_foreach (v, i, below) {
		d = depth(below);
		most = d > most ? d : most;
	}
	return most + 1;
}

static unsigned long count_lines(const uint8_t *data, size_t size)
{
	unsigned long n = 1;
	size_t i;

	/* YAML 1.1 has more line breaks than LF: CR, NEL, LS, PS. Their last bytes. */
	for (i = 0; i < size; i++)
		n += data[i] == '\n' || data[i] == '\r' || data[i] == 0x85 || data[i] == 0xa8 ||
			data[i] == 0xa9;
	return n;
}

static void check_document(const struct ydoc *d)
{
	auto_free char *text = json_dumps(d->root, JSON_COMPACT | JSON_ENCODE_ANY);
	auto_json json_t *back = NULL;
	struct ydocs again;
	struct err err;

	BUG_IF(!text || json_is_null(d->root));
	BUG_IF(depth(d->root) > LIMIT_YAML_DEPTH);
	back = json_loads(text, JSON_DECODE_ANY, NULL);
	BUG_IF(!back || !json_equal(back, d->root));
	if (json_is_object(d->root)) {
		BUG_IF(ydocs_parse(&again, text, strlen(text), &err));
		BUG_IF(again.count != 1 || !json_equal(again.at[0].root, d->root));
		ydocs_clear(&again);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ydocs docs;
	struct err err = {0};
	unsigned long lines = count_lines(data, size), line;
	size_t i;

	if (ydocs_parse(&docs, (const char *)data, size, &err)) {
		BUG_IF(err.kind == ERR_NONE || strncmp(err.msg, "line ", 5) != 0);
		line = strtoul(err.msg + 5, NULL, 10);
		BUG_IF(!line || line > lines + 1);
		return 0;
	}
	for (i = 0; i < docs.count; i++) {
		BUG_IF(!docs.at[i].line || docs.at[i].line > lines + 1);
		check_document(&docs.at[i]);
	}
	ydocs_clear(&docs);
	return 0;
}
