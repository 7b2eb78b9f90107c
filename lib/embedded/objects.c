#include "embedded/objects.h"

#include "base/limits.h"
#include "base/mem.h"

#include <sqlite3.h>
#include <string.h>

enum stmt {
	S_BEGIN,
	S_COMMIT,
	S_ROLLBACK,
	S_COUNTER,
	S_GET,
	S_PUT,
	S_DELETE,
	S_LIST_ALL,
	S_LIST_NS,
	S_EXPIRED,
	S_ANY,
	S_MARK,
	S_UNMARK,
	S_MARKS,
	S_COUNT,
};

static const char *const SQL[S_COUNT] = {
	[S_BEGIN] = "BEGIN IMMEDIATE",
	[S_COMMIT] = "COMMIT",
	[S_ROLLBACK] = "ROLLBACK",
	[S_COUNTER] = "UPDATE meta SET version = ?1",
	[S_GET] = "SELECT body FROM objects WHERE kind = ?1 AND ns = ?2 AND name = ?3",
	[S_PUT] = "INSERT INTO objects (kind, ns, name, body, expires) VALUES (?1, ?2, ?3, ?4, ?5) "
		  "ON CONFLICT (kind, ns, name) DO UPDATE SET body = excluded.body, expires = "
		  "excluded.expires",
	[S_DELETE] = "DELETE FROM objects WHERE kind = ?1 AND ns = ?2 AND name = ?3",
	[S_LIST_ALL] =
		"SELECT ns, name, body FROM objects WHERE kind = ?1 AND (ns, name) > (?2, ?3) "
		"ORDER BY ns, name LIMIT ?4",
	[S_LIST_NS] =
		"SELECT ns, name, body FROM objects WHERE kind = ?1 AND ns = ?2 AND name > ?3 "
		"ORDER BY name LIMIT ?4",
	[S_EXPIRED] =
		"SELECT kind, ns, name FROM objects WHERE expires > 0 AND expires <= ?1 LIMIT ?2",
	[S_ANY] = "SELECT 1 FROM objects WHERE ns = ?1 LIMIT 1",
	[S_MARK] = "INSERT OR REPLACE INTO marks (kind, ns, name, uid) VALUES (?1, ?2, ?3, ?4)",
	[S_UNMARK] = "DELETE FROM marks WHERE kind = ?1 AND ns = ?2 AND name = ?3",
	[S_MARKS] = "SELECT kind, ns, name, uid FROM marks ORDER BY kind, ns, name",
};

/* The namespace leads the second index for S_ANY; both are small beside the bodies. */
static const char SCHEMA[] =
	"CREATE TABLE meta (format INTEGER NOT NULL, version INTEGER NOT NULL);"
	"INSERT INTO meta VALUES (1, 0);"
	"CREATE TABLE objects (kind TEXT NOT NULL, ns TEXT NOT NULL, name TEXT NOT NULL,"
	" body BLOB NOT NULL, expires INTEGER NOT NULL DEFAULT 0, UNIQUE (kind, ns, name));"
	"CREATE INDEX objects_ns ON objects (ns);"
	"CREATE INDEX objects_expires ON objects (expires) WHERE expires > 0;"
	"CREATE TABLE marks (kind TEXT NOT NULL, ns TEXT NOT NULL, name TEXT NOT NULL,"
	" uid TEXT NOT NULL, PRIMARY KEY (kind, ns, name)) WITHOUT ROWID;";

#define FORMAT 1

struct emb_db {
	sqlite3 *sql;
	sqlite3_stmt *stmts[S_COUNT];
	int64_t version; /* as the transaction sees it */
	int64_t committed;
	bool open, is_new;
};

static int db_fail(struct emb_db *db, const char *what, struct err *err)
{
	return err_set(err, ERR_RETRY, "state database: %s: %s", what, sqlite3_errmsg(db->sql));
}

static int db_exec(struct emb_db *db, const char *sql, struct err *err)
{
	return sqlite3_exec(db->sql, sql, NULL, NULL, NULL) ? db_fail(db, "setup", err) : 0;
}

static sqlite3_stmt *db_use(struct emb_db *db, enum stmt which)
{
	sqlite3_reset(db->stmts[which]);
	return db->stmts[which];
}

static void bind_text(sqlite3_stmt *s, int at, const char *text)
{
	sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
}

static void bind_key(sqlite3_stmt *s, const char *key, const char *ns, const char *name)
{
	bind_text(s, 1, key);
	bind_text(s, 2, ns);
	bind_text(s, 3, name);
}

/* Runs a statement without rows. */
static int db_run(struct emb_db *db, sqlite3_stmt *s, const char *what, struct err *err)
{
	int rc = sqlite3_step(s);

	if (rc != SQLITE_DONE && rc != SQLITE_ROW) {
		db_fail(db, what, err);
		sqlite3_reset(s);
		return -1;
	}
	sqlite3_reset(s);
	return 0;
}

/* ---- opening --------------------------------------------------------------------------------- */

static int db_one_int(struct emb_db *db, const char *sql, int64_t *out, struct err *err)
{
	sqlite3_stmt *s;
	int rc;

	if (sqlite3_prepare_v2(db->sql, sql, -1, &s, NULL))
		return db_fail(db, "setup", err);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return rc == SQLITE_ROW ? 0 : db_fail(db, "setup", err);
}

static int db_prepare(struct emb_db *db, struct err *err)
{
	int i;

	for (i = 0; i < S_COUNT; i++)
		if (sqlite3_prepare_v3(
			    db->sql, SQL[i], -1, SQLITE_PREPARE_PERSISTENT, &db->stmts[i], NULL))
			return db_fail(db, "setup", err);
	return 0;
}

/* The new counter is committed with a sync, so that a power cut right after cannot take it back. */
static int db_raise_counter(struct emb_db *db, struct err *err)
{
	if (emb_db_begin(db, err))
		return -1;
	db->version += EMB_VERSION_STEP;
	sqlite3_bind_int64(db_use(db, S_COUNTER), 1, db->version);
	if (db_run(db, db->stmts[S_COUNTER], "setup", err) || emb_db_commit(db, err))
		return -1;
	return db_exec(db, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA synchronous=NORMAL;", err);
}

static int db_setup(struct emb_db *db, struct err *err)
{
	int64_t tables = 0, format = 0;

	/* Exclusive before WAL: the index of the log lives on the heap, and no other process can
	   open the file. */
	if (db_exec(db,
		    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA "
		    "synchronous=FULL;"
		    "PRAGMA cache_size=-512; PRAGMA temp_store=MEMORY; PRAGMA "
		    "journal_size_limit=4194304;",
		    err))
		return -1;
	if (db_one_int(db, "SELECT count(*) FROM sqlite_master", &tables, err))
		return -1;
	if (!tables) {
		db->is_new = true;
		if (db_exec(db, "BEGIN IMMEDIATE;", err) || db_exec(db, SCHEMA, err) ||
			db_exec(db, "COMMIT;", err))
			return -1;
	}
	if (db_one_int(db, "SELECT format FROM meta", &format, err))
		return -1;
	if (format != FORMAT)
		return err_set(err, ERR_STALL, "state database: format %lld is not known, only %d",
			(long long)format, FORMAT);
	if (db_one_int(db, "SELECT version FROM meta", &db->version, err) || db_prepare(db, err))
		return -1;
	return db_raise_counter(db, err);
}

struct emb_db *emb_db_open(const char *path, struct err *err)
{
	struct emb_db *db = NEW(struct emb_db);
	int rc = sqlite3_open_v2(path, &db->sql,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc) {
		err_set(err, ERR_RETRY, "state database '%s': %s", path,
			db->sql ? sqlite3_errmsg(db->sql) : "no memory");
	} else if (db_setup(db, err)) {
		rc = sqlite3_errcode(db->sql);
		if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
			err_set(err, ERR_RETRY, "another process uses the state database '%s'",
				path);
		else
			err_wrap(err, "'%s'", path);
	} else {
		return db;
	}
	emb_db_close(db);
	return NULL;
}

void emb_db_close(struct emb_db *db)
{
	int i;

	if (!db)
		return;
	for (i = 0; i < S_COUNT; i++)
		sqlite3_finalize(db->stmts[i]);
	sqlite3_close(db->sql);
	free(db);
}

int64_t emb_db_version(const struct emb_db *db)
{
	return db->version;
}

bool emb_db_is_new(const struct emb_db *db)
{
	return db->is_new;
}

/* ---- transactions ---------------------------------------------------------------------------- */

int emb_db_begin(struct emb_db *db, struct err *err)
{
	BUG_IF(db->open);
	if (db_run(db, db_use(db, S_BEGIN), "begin", err))
		return -1;
	db->open = true;
	db->committed = db->version;
	return 0;
}

int emb_db_commit(struct emb_db *db, struct err *err)
{
	BUG_IF(!db->open);
	if (db_run(db, db_use(db, S_COMMIT), "commit", err))
		return -1;
	db->open = false;
	db->committed = db->version;
	return 0;
}

void emb_db_rollback(struct emb_db *db)
{
	struct err ignored;

	if (!db->open)
		return;
	/* A full disk may have ended the transaction by itself; then this fails, which is fine. */
	if (db_run(db, db_use(db, S_ROLLBACK), "rollback", &ignored))
		sqlite3_reset(db->stmts[S_ROLLBACK]);
	db->open = false;
	db->version = db->committed;
}

static int db_next_version(struct emb_db *db, struct err *err)
{
	sqlite3_bind_int64(db_use(db, S_COUNTER), 1, db->version + 1);
	if (db_run(db, db->stmts[S_COUNTER], "counter", err))
		return -1;
	db->version++;
	return 0;
}

/* ---- objects --------------------------------------------------------------------------------- */

int emb_db_get(struct emb_db *db, const char *key, const char *ns, const char *name, char **text,
	size_t *len, struct err *err)
{
	sqlite3_stmt *s = db_use(db, S_GET);
	int rc;

	*text = NULL;
	*len = 0;
	bind_key(s, key, ns, name);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		*len = (size_t)sqlite3_column_bytes(s, 0);
		*text = mem_strndup(sqlite3_column_blob(s, 0), *len);
	} else if (rc != SQLITE_DONE) {
		db_fail(db, "read", err);
		sqlite3_reset(s);
		return -1;
	}
	sqlite3_reset(s);
	return 0;
}

int emb_db_put(struct emb_db *db, const char *key, const char *ns, const char *name,
	const char *text, size_t len, int64_t expires_ms, struct err *err)
{
	sqlite3_stmt *s = db_use(db, S_PUT);

	BUG_IF(!db->open);
	bind_key(s, key, ns, name);
	sqlite3_bind_blob64(s, 4, text, len, SQLITE_STATIC);
	sqlite3_bind_int64(s, 5, expires_ms);
	return db_run(db, s, "write", err) ? -1 : db_next_version(db, err);
}

int emb_db_delete(
	struct emb_db *db, const char *key, const char *ns, const char *name, struct err *err)
{
	sqlite3_stmt *s = db_use(db, S_DELETE);

	BUG_IF(!db->open);
	bind_key(s, key, ns, name);
	return db_run(db, s, "delete", err) ? -1 : db_next_version(db, err);
}

int emb_db_list(struct emb_db *db, const char *key, const char *ns, const char *after_ns,
	const char *after_name, unsigned max, emb_row_fn *fn, void *arg, struct err *err)
{
	sqlite3_stmt *s = db_use(db, ns ? S_LIST_NS : S_LIST_ALL);
	int n = 0, rc = SQLITE_DONE, told = 0;

	bind_key(s, key, ns ? ns : after_ns ? after_ns : "", after_name ? after_name : "");
	sqlite3_bind_int64(s, 4, max);
	while (!told && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		struct emb_row row = {
			.ns = (const char *)sqlite3_column_text(s, 0),
			.name = (const char *)sqlite3_column_text(s, 1),
			.text = sqlite3_column_blob(s, 2),
			.len = (size_t)sqlite3_column_bytes(s, 2),
		};

		n++;
		told = fn(arg, &row, err);
	}
	if (!told && rc != SQLITE_DONE)
		told = db_fail(db, "list", err);
	sqlite3_reset(s);
	return told < 0 ? -1 : n;
}

int emb_db_expired(struct emb_db *db, int64_t now_ms, unsigned max,
	int (*fn)(void *arg, const char *key, const char *ns, const char *name, struct err *err),
	void *arg, struct err *err)
{
	sqlite3_stmt *s = db_use(db, S_EXPIRED);
	int n = 0, rc = SQLITE_DONE, told = 0;

	sqlite3_bind_int64(s, 1, now_ms);
	sqlite3_bind_int64(s, 2, max);
	while (!told && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		n++;
		told = fn(arg, (const char *)sqlite3_column_text(s, 0),
			(const char *)sqlite3_column_text(s, 1),
			(const char *)sqlite3_column_text(s, 2), err);
	}
	if (!told && rc != SQLITE_DONE)
		told = db_fail(db, "list", err);
	sqlite3_reset(s);
	return told ? -1 : n;
}

int emb_db_any_in(struct emb_db *db, const char *ns, struct err *err)
{
	sqlite3_stmt *s = db_use(db, S_ANY);
	int rc;

	bind_text(s, 1, ns);
	rc = sqlite3_step(s);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		db_fail(db, "read", err);
	sqlite3_reset(s);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
}

/* ---- marks ----------------------------------------------------------------------------------- */

int emb_db_mark(struct emb_db *db, const char *key, const char *ns, const char *name,
	const char *uid, struct err *err)
{
	sqlite3_stmt *s = db_use(db, S_MARK);

	bind_key(s, key, ns, name);
	bind_text(s, 4, uid);
	return db_run(db, s, "mark", err);
}

int emb_db_unmark(
	struct emb_db *db, const char *key, const char *ns, const char *name, struct err *err)
{
	sqlite3_stmt *s = db_use(db, S_UNMARK);

	bind_key(s, key, ns, name);
	return db_run(db, s, "unmark", err);
}

int emb_db_marks(struct emb_db *db,
	int (*fn)(void *arg, const char *key, const struct emb_row *row, struct err *err),
	void *arg, struct err *err)
{
	sqlite3_stmt *s = db_use(db, S_MARKS);
	int rc = SQLITE_DONE, told = 0;

	while (!told && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		struct emb_row row = {
			.ns = (const char *)sqlite3_column_text(s, 1),
			.name = (const char *)sqlite3_column_text(s, 2),
			.text = (const char *)sqlite3_column_text(s, 3),
			.len = (size_t)sqlite3_column_bytes(s, 3),
		};

		told = fn(arg, (const char *)sqlite3_column_text(s, 0), &row, err);
	}
	if (!told && rc != SQLITE_DONE)
		told = db_fail(db, "list", err);
	sqlite3_reset(s);
	return told < 0 ? -1 : 0;
}
