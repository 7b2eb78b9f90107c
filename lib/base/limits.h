/*
 * Every limit on what a stranger can size, in one place; docs/architecture.md tells of some.
 * Bytes unless the name says otherwise. The ones marked [flag] are defaults of a flag.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#define LIMIT_KIB (1024ULL)
#define LIMIT_MIB (1024ULL * 1024)
#define LIMIT_GIB (1024ULL * 1024 * 1024)

/*
 * JSON of strangers: values of one document (members' names do not count) and how deep they may
 * nest. A value of three bytes ("{},") takes some 300 in a tree, so the bytes of a document bound
 * nothing.
 */
#define LIMIT_JSON_API_VALUES \
	100000 /* an API object, without managedFields; a document of the embedded API */
#define LIMIT_JSON_API_DEPTH 128
#define LIMIT_JSON_MANIFEST_VALUES \
	40000 /* LIMIT_MANIFEST_ENTRIES with platforms and some annotations */
#define LIMIT_JSON_MANIFEST_DEPTH 16
#define LIMIT_JSON_ANSWER_VALUES 1000 /* tokens, errors, what stands around a list of tags */
#define LIMIT_JSON_ANSWER_DEPTH 8
#define LIMIT_JSON_DOCKER_VALUES \
	20000 /* of a Docker configuration: LIMIT_PULL_SECRET_ENTRIES with all that tools write */
#define LIMIT_JSON_DOCKER_DEPTH 8
#define LIMIT_JSON_SIGNED_VALUES 20000 /* a bundle, or what a signature is of */
#define LIMIT_JSON_SIGNED_DEPTH 32

/*
 * Memory, in three shares (lib/ev/account.h): MEMORY_BASE is for what is not in the account
 * (program, objects, caches, small buffers, the first slices of jobs), MEMORY_PULL for each pull;
 * of what is left of the process's limit, two thirds are the account, and of these two thirds are
 * for jobs.
 */
#define LIMIT_MEMORY_BASE (64 * LIMIT_MIB)
#define LIMIT_MEMORY_PULL \
	(768 * LIMIT_KIB) /* two buffers of a large blob, or a small one, and its manifest */
#define LIMIT_MEMORY_MIN (16 * LIMIT_MIB) /* of the account */
#define LIMIT_MEMORY_MAX (1 * LIMIT_GIB) /* likewise, when no flag says more */
#define LIMIT_MEMORY_FREE (64 * LIMIT_KIB) /* so much of a body is never asked for */
#define LIMIT_MEMORY_RATE \
	(64 * LIMIT_KIB) /* bytes a second of a body in the account, while others wait */
#define LIMIT_MEMORY_RATE_MS 10000 /* over so long */
#define LIMIT_MEMORY_SLICE (4 * LIMIT_MIB) /* so much of a job on a layer is never asked for */
#define LIMIT_MEMORY_MANIFEST \
	(16 * LIMIT_MIB) /* the tree of a large manifest and what is read of it */
/* A bundle while it is proven, measured: five times its text (tree, payload, what is signed of it,
   the statement's tree), and the values of two trees */
#define LIMIT_MEMORY_BUNDLE_TIMES 6
#define LIMIT_MEMORY_BUNDLE (4 * LIMIT_MIB)

/* Registry */
#define LIMIT_MANIFEST (4 * LIMIT_MIB)
/* Bytes of all pages: with Google's map of manifests a million tags have a third of that. They are
   read as they come, so time is what bounds them. */
#define LIMIT_TAG_LIST (1 * LIMIT_GIB)
#define LIMIT_TAGS 1000000 /* tags in all pages */
#define LIMIT_TAG_PAGES 10000
#define LIMIT_TAG_LEN 128 /* OCI distribution spec 1.1, "Pulling manifests" */
#define LIMIT_TAGS_MEMORY (64 * LIMIT_MIB) /* a list of tags that is about to be stored */
#define LIMIT_EXCLUSIONS 25 /* expressions of one exclusionList, as the schema has it */
#define LIMIT_ACCESS (64 * LIMIT_KIB) /* spec.accessFrom as JSON */
#define LIMIT_BLOB (4 * LIMIT_GIB) /* [flag] */
#define LIMIT_BLOB_IN_MEMORY (256 * LIMIT_KIB)
#define LIMIT_TOKEN_BODY (64 * LIMIT_KIB)
#define LIMIT_ERROR_BODY (8 * LIMIT_KIB)
#define LIMIT_REDIRECTS 10
#define LIMIT_HEADERS (64 * LIMIT_KIB) /* all headers of one response or request */
#define LIMIT_URL 8192
#define LIMIT_CA_PEM (1 * LIMIT_MIB) /* CAs that are read from files into one text; one such file */
#define LIMIT_CA_FILES 2000 /* looked at in all folders of CAs */
#define LIMIT_PULL_SECRET (1 * LIMIT_MIB)
#define LIMIT_PULL_SECRET_ENTRIES 1000 /* registries with credentials, of one identity */
#define LIMIT_IMAGE_PULL_SECRETS 64 /* of a ServiceAccount */
#define LIMIT_PULL_SECRET_KEPT (256 * LIMIT_KIB) /* of names and credentials: it stays in memory */
#define LIMIT_MANIFEST_ENTRIES 4096 /* layers, or manifests of an index */
#define LIMIT_ANNOTATIONS (64 * LIMIT_KIB) /* of a manifest, keys and values */
#define LIMIT_EMPTY_TAG_PAGES 10 /* with a link to yet another one */
#define LIMIT_TAG_LIST_TIMEOUTS 10 /* a whole list within so many times the timeout of a page */
#define LIMIT_TAG_LIST_MS 600000 /* and within that; the last page may take its own time */
#define LIMIT_REQUEST_MS \
	120000 /* a question, token and redirects included; or the headers of a blob */
#define LIMIT_AGAIN 2 /* repetitions of a question after a passing failure, with a pause before */
#define LIMIT_AGAIN_MS 1000 /* what Retry-After may ask for, to be waited for within a call */
#define LIMIT_TOKEN_MS 30000 /* a token server's answer */
#define LIMIT_TOKEN_AGAIN_MS \
	5000 /* that of one named earlier, before the registry is asked who it is now */
#define LIMIT_SILENCE_MS 3000 /* without an answer: before that it says nothing about a host */
#define LIMIT_PROBES 64 /* of our own at a time: does a registry or token server answer at all? */
#define LIMIT_PROBE_MS 10000
#define LIMIT_TOKENS 4096 /* kept at a time */
#define LIMIT_TOKENS_BYTES (8 * LIMIT_MIB) /* of all of them, with what they are for */
#define LIMIT_CREDENTIALS 8 /* that match a repository and are tried, one after the other */
#define LIMIT_CREDENTIAL_TURNS 256 /* repositories of one identity for which that is known */
#define LIMIT_CONTENTS 4096 /* small manifests and blobs that are kept (oci/contents.h) */
#define LIMIT_CONTENTS_BYTES (4 * LIMIT_MIB) /* all of them */
#define LIMIT_CONTENT_KEPT (256 * LIMIT_KIB) /* one of them */
#define LIMIT_CHALLENGES 16384 /* remembered at a time, one a repository */
#define LIMIT_CHALLENGES_BYTES (4 * LIMIT_MIB) /* all of them */
#define LIMIT_TOKEN_MAX_S 3600 /* no token is kept longer, whatever it says */
#define LIMIT_REGISTRY_HOSTS 4096 /* remembered at a time */
#define LIMIT_REGISTRY_HOSTS_COUNTED 100 /* with requests counted for each, in metrics */
#define LIMIT_RATE_DIGITS 15 /* of a number in RateLimit and its like */
#define LIMIT_RATE_ITEMS 16 /* of a list or the parts of an item in them */
#define LIMIT_RATE_WINDOW_S 604800 /* what is longer is no window that anybody waits for */
#define LIMIT_PACE_WAIT_MS 600000 /* that anybody is told to wait because few requests are left */
#define LIMIT_BLOB_TRIES 6 /* the first one included; each goes on where the last one broke */
#define LIMIT_SHARE_ASK_MS 5000 /* for the question whether a blob may be had with others */
/* That anybody waits for a download of another identity: so long, and at such a rate. */
#define LIMIT_SHARE_BASE_MS 15000
#define LIMIT_SHARE_RATE LIMIT_MIB /* bytes a second */
#define LIMIT_BLOB_IDLE_MS 30000
#define LIMIT_BLOB_RATE 1024 /* bytes a second at least, over LIMIT_BLOB_RATE_MS */
#define LIMIT_BLOB_RATE_MS 60000
#define LIMIT_BLOB_BASE_MS 60000 /* a whole layer, all tries and pauses: so long */
#define LIMIT_BLOB_WHOLE_RATE (16 * LIMIT_KIB) /* and its size at so many bytes a second */

/* Signatures (lib/verify, lib/source/signature.h) */
#define LIMIT_PUBLIC_KEY (16 * LIMIT_KIB) /* one entry of a Secret */
#define LIMIT_PUBLIC_KEYS 32 /* of one Secret: each is tried, in a millisecond at most */
#define LIMIT_SIGNATURES 1000 /* layers below a `.sig` tag, as in cosign */
#define LIMIT_SIGNATURE_TEXT (16 * LIMIT_KIB) /* one signature in base64 */
#define LIMIT_SIGNATURE_PAYLOAD (64 * LIMIT_KIB) /* what it is of, below a `.sig` tag */
#define LIMIT_REFERRERS_LIST (512 * LIMIT_KIB) /* one page: the loop parses it, in 10 ms at most */
#define LIMIT_REFERRERS 100 /* that are looked at: the first of the wanted type, then others */
#define LIMIT_REFERRERS_PAGES 10 /* in which they are looked for */
#define LIMIT_BUNDLE_MANIFEST (64 * LIMIT_KIB)
#define LIMIT_BUNDLE (4 * LIMIT_MIB)
#define LIMIT_SIGNATURE_BYTES (32 * LIMIT_MIB) /* all that one verification fetches */
#define LIMIT_BUNDLE_LOG_ENTRIES 32
#define LIMIT_BUNDLE_TIMESTAMPS 32
#define LIMIT_SUBJECTS 1024 /* of an in-toto statement */
#define LIMIT_SUBJECT_DIGESTS 32 /* of one of those */
#define LIMIT_CERTIFICATE (16 * LIMIT_KIB) /* one, in DER */
#define LIMIT_TIMESTAMP (64 * LIMIT_KIB) /* one, with its certificates */
#define LIMIT_LOG_BODY (64 * LIMIT_KIB) /* of an entry of a transparency log */
#define LIMIT_LOG_TEXT (256 * LIMIT_KIB) /* the whole entry, in the annotation of a layer */
#define LIMIT_NOTE (64 * LIMIT_KIB) /* a checkpoint of a log */
#define LIMIT_NOTE_SIGNATURES 32
#define LIMIT_TRUSTED_ROOT (128 * LIMIT_KIB) /* the loop parses it, in some milliseconds */
#define LIMIT_TRUSTED_LOGS 64 /* of one kind, in one trusted root */
#define LIMIT_TRUSTED_AUTHORITIES 32
#define LIMIT_TUF_META \
	(512 * LIMIT_KIB) /* a file of metadata of a TUF repository; Sigstore's have 7 KiB */
#define LIMIT_TUF_TIMESTAMP (16 * LIMIT_KIB) /* timestamp.json, whose length nobody announces */
#define LIMIT_TUF_ROOTS 256 /* new versions of root.json in one refresh */
#define LIMIT_TUF_KEYS 64 /* of one root.json */
#define LIMIT_TUF_SIGNATURES 64 /* of one file: each is looked at, known keys' are checked */
#define LIMIT_TUF_SIGNATURE (2 * LIMIT_KIB) /* one of them */
#define LIMIT_TUF_REQUEST_MS 30000 /* one of its files */
#define LIMIT_TUF_CONNECT_MS 10000 /* name, connection and TLS */
#define LIMIT_TUF_REFRESH_MS 120000 /* all of them */
#define LIMIT_SIGNERS 32 /* matchOIDCIdentity */
#define LIMIT_SIGNERS_PROGRAM \
	14000 /* instructions of all its patterns: 2 MiB, while an object is verified */
#define LIMIT_RULES_FILE (1 * LIMIT_MIB) /* --verification-rules */
#define LIMIT_RULES 100
#define LIMIT_RULE_STARS 8 /* in one pattern */
#define LIMIT_TRUST_POLICY (64 * LIMIT_KIB) /* trustpolicy.json */
#define LIMIT_POLICY_IDENTITIES 100 /* of one statement: each is compared with all others */
#define LIMIT_TRUST_CERT (64 * LIMIT_KIB) /* one entry of a Secret */
#define LIMIT_TRUST_CERTS 100 /* of one Secret */
#define LIMIT_DN_TEXT 1024 /* one type or value of a distinguished name */
#define LIMIT_DN_PAIRS 32
#define LIMIT_NOTATION_TRIES 3 /* signatures that are looked at, as in Flux */
#define LIMIT_ENVELOPE (64 * LIMIT_KIB) /* one signature of the Notary Project */
#define LIMIT_CHAIN 10 /* certificates in one */
#define LIMIT_OCSP (20 * LIMIT_KIB) /* an answer whether one certificate was revoked */
#define LIMIT_CRL (8 * LIMIT_MIB) /* a list of revoked certificates: some 200,000 */
#define LIMIT_OCSP_MS 2000 /* until the answer is there */
#define LIMIT_CRL_MS 5000 /* until the list is there */
#define LIMIT_REVOCATION_PLACES 4 /* of one certificate, and of one kind */
#define LIMIT_REVOCATIONS 1024 /* certificates of which it is kept whether they were revoked */
#define LIMIT_REVOCATION_KEPT_MS 3600000 /* so long, whatever the answer says */
#define LIMIT_CBOR_DEPTH 16 /* of a value that nobody here knows */
#define LIMIT_COSE_LABELS 100 /* of one map, and of the list of those that are critical */

/* lib/cloud */
#define LIMIT_CLOUD_REQUEST_MS 10000 /* one request of a login */
#define LIMIT_CLOUD_TRIES 3 /* of one request, with a pause between */
#define LIMIT_CLOUD_LOGIN_MS 60000 /* a login as a whole, when nobody says less */
#define LIMIT_CLOUD_KEPT 4096 /* tokens and passwords, unless --token-cache-max-size says */
#define LIMIT_CLOUD_KEPT_BYTES (8 * LIMIT_MIB) /* of all of them */
#define LIMIT_CLOUD_ANNOTATION 2048 /* one of a ServiceAccount */
#define LIMIT_CLOUD_LIFE_MS (60 * 60 * 1000) /* nothing is kept for longer */
#define LIMIT_CLOUD_RUN_MS 1000 /* with a cache of size 0: for one run */
#define LIMIT_CLOUD_FILE (64 * LIMIT_KIB) /* a token, a profile, a key file */
#define LIMIT_CLOUD_REFUSED_MS 60000 /* between two passwords that a refusal replaces */
#define LIMIT_CLOUD_TEXT 300 /* of what a cloud says, in a message */
#define LIMIT_XML_DEPTH 32 /* elements in elements, of an answer of AWS's STS */
#define LIMIT_CLOUD_PASSWORD (16 * LIMIT_KIB) /* a token or password: it goes into a header */

/* Forges: tokens of a GitHub App, pull and merge requests */
#define LIMIT_FORGE_BODY (4 * LIMIT_MIB) /* one answer */
#define LIMIT_FORGE_MS 60000 /* all of it, when nobody says less */
#define LIMIT_FORGE_REQUEST_MS 30000 /* one request */
#define LIMIT_FORGE_TOKENS 256 /* of Apps, that are kept */
#define LIMIT_FORGE_LIFE_MS (60 * 60 * 1000) /* no token is kept for longer */
#define LIMIT_FORGE_EARLY_MS 60000 /* and it ends that long before it does */
#define LIMIT_FORGE_WAIT_MS 60000 /* who was asked to slow down without a word of how long */
#define LIMIT_FORGE_PAGES 20 /* of open requests, to find the one of a branch */
#define LIMIT_FORGE_TITLE 255 /* GitLab, "Merge requests API" */
#define LIMIT_FORGE_TEXT (32 * LIMIT_KIB) /* the body of a request */
#define LIMIT_FORGE_SAID 300 /* of what a forge says, in a message */
#define LIMIT_FORGE_PATH 1024 /* of a repository */

/* Mirrors: the operator's file, and how long one may keep those who ask the next one waiting */
#define LIMIT_MIRROR_FILE (1 * LIMIT_MIB)
#define LIMIT_MIRROR_RULES 1000
#define LIMIT_MIRRORS_OF_RULE 8
#define LIMIT_MIRROR_CA (64 * LIMIT_KIB) /* of one mirror */
#define LIMIT_MIRROR_CONNECT_MS 5000 /* name, connection and TLS */
#define LIMIT_LAYOUT_ENTRIES 100000 /* of a layout's tar */
#define LIMIT_LAYOUT_NAMES (12 * LIMIT_MIB) /* of all those */
#define LIMIT_LAYOUT_FILE (4 * LIMIT_KIB) /* the file `oci-layout` of an image layout */

/* Git servers (lib/git) */
#define LIMIT_GIT_MS 60000 /* a whole question, when nobody says else */
#define LIMIT_GIT_PKT 65520 /* a pkt-line, its length included (gitprotocol-common) */
#define LIMIT_GIT_CAPABILITIES (16 * LIMIT_KIB) /* what a server says it can, in all */
#define LIMIT_GIT_REFS 500000 /* of one repository, looked at */
#define LIMIT_GIT_REFS_BYTES (64 * LIMIT_MIB) /* the list of them */
#define LIMIT_GIT_REF_NAME 1024
#define LIMIT_GIT_PREFIXES 1000 /* of refs, in one question */
#define LIMIT_GIT_WANTS 100000 /* objects, in one fetch */
#define LIMIT_GIT_PACK (4 * LIMIT_GIB)
#define LIMIT_GIT_SHALLOWS 100000 /* commits whose parents were left out */
#define LIMIT_GIT_PROGRESS (1 * LIMIT_MIB) /* what a server says of how far it is */
#define LIMIT_GIT_SAID (4 * LIMIT_KIB) /* kept of that */
#define LIMIT_GIT_IDLE_MS 30000 /* without a byte of a pack */
#define LIMIT_GIT_RATE 1024 /* bytes a second of a pack at least, over LIMIT_GIT_RATE_MS */
#define LIMIT_GIT_RATE_MS 60000
#define LIMIT_GIT_SETS 8 /* object sets that are kept when nobody uses them */
#define LIMIT_GIT_SETS_BYTES (2 * LIMIT_GIB) /* of disk, that all those take */
#define LIMIT_GIT_ADDED 16 /* object sets upon each other; each takes a descriptor */
#define LIMIT_GIT_SERVERS 4096 /* repositories of which it is kept what their server can */
#define LIMIT_GIT_SERVERS_BYTES (4 * LIMIT_MIB) /* all those */
#define LIMIT_GIT_UPDATES 16 /* refs, in one push */
#define LIMIT_GIT_OPTIONS 64 /* push options, in one push */
#define LIMIT_GIT_OPTION 1024 /* one of them */
#define LIMIT_GIT_REPORT (1 * LIMIT_MIB) /* the answer to a push */

/* Names and addresses */
#define LIMIT_LOOKUPS 64 /* of names, on their way at a time, for one HTTP client */
#define LIMIT_LOOKUP_MS 15000 /* one of them, its wait for a place included */
#define LIMIT_NAMES 4096 /* kept with their addresses */
#define LIMIT_ADDRESSES 16 /* of one name */
#define LIMIT_NETS 64 /* in one list: --registry-allow-private */

/* Git objects (lib/git) */
#define LIMIT_GIT_OBJECTS 1000000 /* of one pack; each takes some 100 bytes while it is indexed */
#define LIMIT_GIT_OBJECT (512 * LIMIT_MIB) /* one blob that is no delta */
#define LIMIT_GIT_DELTA (128 * LIMIT_MIB) /* a blob that is one: it is whole in memory */
#define LIMIT_GIT_TREE (32 * LIMIT_MIB) /* a tree, a commit, a tag */
#define LIMIT_GIT_TREES (64 * LIMIT_MIB) /* the trees from the root to where a walk is */
#define LIMIT_GIT_EXPANDED (32 * LIMIT_GIB) /* all objects of a pack */
#define LIMIT_GIT_DEPTH 4095 /* deltas upon each other, as many as git makes */
#define LIMIT_GIT_CHAIN (4 * LIMIT_GIB) /* bytes made on the way to one object */
#define LIMIT_GIT_BASES (32 * LIMIT_MIB) /* kept while deltas are put together */
#define LIMIT_GIT_WHOLE (4 * LIMIT_MIB) /* what is larger is hashed out of a file */
#define LIMIT_GIT_COMMIT (1 * LIMIT_MIB) /* a commit or tag that is read */
#define LIMIT_GIT_PARENTS 1000 /* of a commit */
#define LIMIT_GIT_TAGS 10 /* tags of tags */
#define LIMIT_GIT_MODULES_FILE (1 * LIMIT_MIB) /* .gitmodules */
#define LIMIT_GIT_MODULES 1000
#define LIMIT_GIT_URL 4096
#define LIMIT_GIT_CHANGES 10000 /* files that one commit changes */

/* Artifacts */
#define LIMIT_EXPANDED (16 * LIMIT_GIB) /* [flag] */
#define LIMIT_ENTRIES 200000 /* [flag] */
#define LIMIT_PATH 4096
#define LIMIT_ENTRY_PATH 4000 /* Linux takes 4,095, the consumer's folder in front included */
#define LIMIT_ENTRY_PART 255 /* one component */
#define LIMIT_PATH_DEPTH 128
#define LIMIT_PATH_TOTAL (32 * LIMIT_MIB) /* all names of one archive */
#define LIMIT_RATIO 200 /* expanded : compressed, checked past LIMIT_RATIO_FROM */
#define LIMIT_RATIO_FROM (256 * LIMIT_MIB)
#define LIMIT_SPOOL (4 * LIMIT_GIB) /* disk for a repack whose entries are not in order */
#define LIMIT_SPOOL_MEMORY (1 * LIMIT_MIB) /* up to here it stays in memory */
#define LIMIT_SPARSE_PARTS 8192 /* pieces of one sparse file: 100 bytes of memory each */
#define LIMIT_TAR_META (1 * LIMIT_MIB) /* one PAX or GNU extension header, as Go's reader has it */
#define LIMIT_ZSTD_WINDOW_LOG 27 /* 128 MiB: what `zstd -d` takes unless it is told more */
#define LIMIT_IGNORE_FILE (1 * LIMIT_MIB)
#define LIMIT_IGNORE_TOTAL (8 * LIMIT_MIB)
#define LIMIT_IGNORE_PATTERNS 10000 /* in one list: each is tried on each entry */
#define LIMIT_IGNORE_STEPS 200000000ULL /* of comparing, for all entries of a layer: a second */
#define LIMIT_PATTERN 4096 /* a semverFilter; a line of ignore rules */
#define LIMIT_PATTERN_MEMORY (1 * LIMIT_MIB) /* a compiled semverFilter with its caches */
#define LIMIT_PATTERN_PROGRAM \
	7000 /* instructions of a compiled semverFilter: a plain text of LIMIT_PATTERN fits */
#define LIMIT_CEL_TEXT (8 * LIMIT_KIB) /* an expression of a Receiver */
#define LIMIT_CEL_PARSED (8 * LIMIT_MIB) /* its tree, and what the check of its types takes */
#define LIMIT_CEL_DEPTH 64 /* of the tree */
#define LIMIT_CEL_STEPS 1000000 /* of one check, and of one evaluation */
#define LIMIT_CEL_PATTERNS 16 /* regular expressions in one, of LIMIT_PATTERN_PROGRAM in all */
#define LIMIT_CEL_MEMORY (1 * LIMIT_MIB) /* the values that one evaluation makes */
#define LIMIT_TEMPLATE_TEXT (64 * LIMIT_KIB) /* the template of a commit's message */
#define LIMIT_TEMPLATE_PARSED (32 * LIMIT_MIB) /* its tree */
#define LIMIT_TEMPLATE_DEPTH 100 /* of the tree, and of values that are printed */
#define LIMIT_TEMPLATE_NESTED 400 /* actions and pipelines in each other in a run */
#define LIMIT_TEMPLATE_STEPS 100000 /* of one run */
#define LIMIT_TEMPLATE_MEMORY (16 * LIMIT_MIB) /* the values that one run makes */
#define LIMIT_TEMPLATE_RESULT (1 * LIMIT_MIB)
#define LIMIT_EXTRACT 1024 /* filterTags.extract */
#define LIMIT_EXTRACT_COST 50000 /* groups that it needs, by instructions of the pattern */
#define LIMIT_SORT_KEY 1024 /* what that comes to for a tag */
#define LIMIT_BUILT_TAGS 100 /* of one image, whose build times are asked for */
#define LIMIT_BUILT_AT_ONCE 4 /* of them at a time */
#define LIMIT_BUILT_DOCUMENT (256 * LIMIT_KIB) /* a manifest or config: the loop parses it */
#define LIMIT_BUILT_VALUES 10000 /* in such a config */
#define LIMIT_BUILT_DEPTH 16 /* likewise */
#define LIMIT_BUILT_KEPT 20000 /* digests, and tags, of which it is kept when they were built */
#define LIMIT_BUILT_KEPT_BYTES (4 * LIMIT_MIB) /* of each of the two */
#define LIMIT_FILTER_MS 200 /* of matching for a whole tag list ... */
#define LIMIT_FILTER_TAG_US 5 /* ... and so much more for each tag; an ordinary one takes 0.3 */

/* Store */
#define LIMIT_STORE_INDEX (32 * LIMIT_MIB) /* the file `.index`: some 100,000 artifacts */

/* Keys of ssh and OpenPGP, and their signatures */
#define LIMIT_SSH_KEY (64 * LIMIT_KIB) /* a private key, as text */
#define LIMIT_SSH_KDF_ROUNDS 1024ULL /* of bcrypt for its passphrase: four seconds */
#define LIMIT_SSH_PBKDF2_ROUNDS 1000000 /* likewise, of PKCS#8: one second */
#define LIMIT_SSH_BLOB (4 * LIMIT_KIB) /* a public key */
#define LIMIT_SSH_SIGNERS 1000 /* lines of all texts that say who may sign */
#define LIMIT_SSH_SIGNATURE (16 * LIMIT_KIB) /* in armor */
#define LIMIT_GPG_KEYS (1 * LIMIT_MIB) /* all keys of one check, and one as text */
#define LIMIT_GPG_SECRET_KEY (256 * LIMIT_KIB) /* likewise, one that signs */
#define LIMIT_GPG_SIGNATURE (64 * LIMIT_KIB) /* in armor */
#define LIMIT_GPG_MS 30000 /* one check or signature; it takes a tenth of a second */

/* Workers */
#define LIMIT_WORK_BULK (8 * LIMIT_MIB) /* what is larger takes seconds */

/* GitRepositories */
#define LIMIT_GIT_LIST 1000 /* entries of one list of a spec */
#define LIMIT_GIT_INCLUDES 10000 /* of all objects that are looked at for a ring of includes */
#define LIMIT_GIT_NESTED 10 /* submodules in submodules */

/* Kubernetes */
#define LIMIT_KUBE_OBJECT (4 * LIMIT_MIB) /* above etcd's own limit of about 1.5 MiB */
#define LIMIT_SPEC_TEXT (8 * LIMIT_KIB) /* of one member of a spec; spec.ignore apart */
#define LIMIT_OBJECT_KEPT (256 * LIMIT_KIB) /* of an object's text, for as long as it is there */
#define LIMIT_IDENTITIES 4096 /* built of pull Secrets and kept */
#define LIMIT_IDENTITIES_BYTES (8 * LIMIT_MIB) /* of all of them */
#define LIMIT_KUBE_LIST (64 * LIMIT_MIB) /* one page */
#define LIMIT_KUBE_TOKEN (64 * LIMIT_KIB) /* a token file */
#define LIMIT_KUBE_PEM (1 * LIMIT_MIB) /* certificates or a key */
#define LIMIT_KUBE_SELECTOR (4 * LIMIT_KIB) /* its text */
#define LIMIT_KUBECONFIG (1 * LIMIT_MIB)
#define LIMIT_SECRET_READ_MS 30000 /* of one pull Secret, whatever spec.timeout says */
#define LIMIT_SECRET_SHARED_MS \
	5000 /* what one run has read others use, when no watch vouches for it */
#define LIMIT_TOUCHES 8 /* patches that make objects reconcile, on their way at a time */
#define LIMIT_TOUCH_MS 10000 /* one of them */
#define LIMIT_NOTICES 1000 /* to notification-controller, waiting */
#define LIMIT_NOTICES_BYTES (4 * LIMIT_MIB) /* of all those */
#define LIMIT_NOTICE (64 * LIMIT_KIB) /* the text of one, with the annotations of its object */
#define LIMIT_NOTICE_POST_MS 5000 /* one request, as Flux's controllers have it */
#define LIMIT_NOTICE_MS (15 * 60 * 1000) /* after that it says what was, not what is */
#define LIMIT_NOTICE_TRIES 5 /* of one that is answered with an error of the server's own */
#define LIMIT_YAML_FILE (8 * LIMIT_MIB)
#define LIMIT_YAML_DIRECTIVES 64 /* of one document */
#define LIMIT_YAML_DEPTH 64
#define LIMIT_YAML_NODES 500000 /* values of one file, aliases expanded */
#define LIMIT_YAML_EXPANDED (32 * LIMIT_MIB) /* bytes of its strings, likewise */
#define LIMIT_YAML_MARKS_DEPTH 256 /* of one whose values are not made into a tree */
#define LIMIT_SETTER_DOCUMENTS 10000 /* of one file */
#define LIMIT_SETTER_EDITS 10000 /* of one file, scalars that change */
#define LIMIT_SETTER_REPORTS 100 /* of one file, that are told; others are counted */
#define LIMIT_SETTER_MARKER 2048 /* a comment that may be one */
#define LIMIT_SETTER_TEXT 1024 /* what is written for one marker */
#define LIMIT_SETTER_NAME 512 /* what an object says it is: each of the four */

/* Receivers: an object, and the calls of its path */
#define LIMIT_RECEIVER_RESOURCES 1000
#define LIMIT_RECEIVER_FILTERS (32 * LIMIT_KIB) /* all expressions of one object */
#define LIMIT_RECEIVER_BODY (3 * LIMIT_MIB)
#define LIMIT_RECEIVER_HEADERS (256 * LIMIT_KIB)
#define LIMIT_RECEIVER_CONNECTIONS 512
#define LIMIT_RECEIVER_HEADER_MS 10000
#define LIMIT_RECEIVER_REQUEST_MS 30000 /* until a request is whole */
#define LIMIT_RECEIVER_MS 25000 /* until it is answered then */
#define LIMIT_RECEIVER_ASK_MS 10000 /* one question to the API server */
#define LIMIT_RECEIVER_CALLS 32 /* worked on at a time; of one Receiver half */
#define LIMIT_RECEIVER_WAITING 400 /* calls that wait for that; of one Receiver half */
#define LIMIT_RECEIVER_OBJECTS 5000 /* that one call wakes */
#define LIMIT_RECEIVER_LISTED (16 * LIMIT_MIB) /* of their metadata, all calls, for filters */
#define LIMIT_RECEIVER_FEEDS 1000 /* tags, of all objects, that one call brings */
#define LIMIT_RECEIVER_VALUE 320 /* what a value of a payload takes in a tree */
#define LIMIT_RECEIVER_TREE (512 * LIMIT_KIB) /* so much of one is never asked for */

/* ImageUpdateAutomations */
#define LIMIT_AUTOMATION_PAIRS (64 * LIMIT_KIB) /* values of a template, or push options */
#define LIMIT_AUTOMATION_FILES 100000 /* YAML files below the path of one */
#define LIMIT_AUTOMATION_ENTRIES 1000000 /* files and folders of any kind there */
#define LIMIT_AUTOMATION_FILE (8 * LIMIT_MIB) /* one of them */
#define LIMIT_AUTOMATION_PATHS (16 * LIMIT_MIB) /* the names of all */
#define LIMIT_AUTOMATION_READ (2 * LIMIT_GIB) /* all of them */
#define LIMIT_AUTOMATION_SCANNED (256 * LIMIT_MIB) /* those that may have markers */
#define LIMIT_AUTOMATION_EDIT_MS (5 * 60 * 1000) /* for all that */
#define LIMIT_AUTOMATION_CHANGED (32 * LIMIT_MIB) /* those that a run changes, and the changes */
#define LIMIT_AUTOMATION_DATA (32 * LIMIT_MIB) /* what its template is told of that */
#define LIMIT_AUTOMATION_REPORTS 20 /* of what could not be done, each told; others are counted */
#define LIMIT_AUTOMATION_FETCH (512 * LIMIT_MIB) /* a pack for it */
#define LIMIT_AUTOMATION_PACK (64 * LIMIT_MIB) /* a pack that it sends */
#define LIMIT_AUTOMATION_HISTORY 1000 /* commits, where it has to know that a ref moves forward */
#define LIMIT_AUTOMATION_TURN_MS 60000 /* at a branch, while others wait */
#define LIMIT_AUTOMATION_TRIES 5 /* of a push that others were ahead of, in one run */

/* Calls of Receivers as they are judged (lib/hook) */
#define LIMIT_HOOK_AT_ONCE (64 * LIMIT_KIB) /* a body that the loop reads; others go to a worker */
#define LIMIT_HOOK_JWT (16 * LIMIT_KIB) /* a token; the headers of a request may have 32 KiB */
#define LIMIT_HOOK_ISSUERS 64 /* whose keys are kept */
#define LIMIT_HOOK_ISSUER (64 * LIMIT_KIB) /* what one says of itself */
#define LIMIT_HOOK_JWKS (256 * LIMIT_KIB) /* its keys, with certificates that nobody reads */
#define LIMIT_HOOK_KEYS 32 /* of them */
#define LIMIT_HOOK_KEYS_TRIED 4 /* for a token that names none, of those for its algorithm */
#define LIMIT_HOOK_ISSUER_MS 10000 /* one question to it */
#define LIMIT_HOOK_KEYS_MS (10 * 60 * 1000) /* until its keys are asked for anew */
#define LIMIT_HOOK_KEYS_OLD_MS (60 * 60 * 1000) /* so long they count while it does not answer */
/* Between two questions for the sake of a token that no key has signed: anybody can make one. */
#define LIMIT_HOOK_KEYS_AGAIN_MS 30000
#define LIMIT_HOOK_KEYS_FAILED_MS 5000 /* after a question in vain */
#define LIMIT_HOOK_EXPRESSIONS 64 /* variables, or validations, of one issuer */
#define LIMIT_HOOK_EXPRESSION_TEXT (32 * LIMIT_KIB) /* all of one Receiver's issuers */
#define LIMIT_HOOK_PUSHES 100 /* tags that one payload says were pushed */

/* HTTP servers */
#define LIMIT_REQUEST_HEADERS (32 * LIMIT_KIB)
#define LIMIT_REQUEST_HEADER_COUNT 256
#define LIMIT_LARGE_HEADERS 16 /* connections with more, of a server that takes more */
#define LIMIT_REQUEST_EMPTY (1 * LIMIT_KIB) /* empty lines before a request */
/* What one connection has read and not used: a header that is not whole, or the requests behind the
   one that is answered. */
#define LIMIT_REQUEST_AHEAD (LIMIT_REQUEST_HEADERS + 2 * LIMIT_KIB)
#define LIMIT_REPLY_RATE 1024 /* bytes a second that a client takes at least, over a minute */
#define LIMIT_REPLY_SLOW (16 * LIMIT_KIB) /* below it a reader gives way when the server is full */
#define LIMIT_REPLY_SLOW_MS 10000 /* but not before */
#define LIMIT_REPLY_STALL_MS 5000 /* and so does one that takes nothing for so long */
#define LIMIT_DESCRIPTORS 65536 /* of the process: more of them are not asked for */
#define LIMIT_CONNECTIONS 1024 /* of one server */
#define LIMIT_URL_SECRETS 8 /* lines of --artifact-url-secret */
#define LIMIT_URL_SECRET_MIN 16 /* characters of one */
#define LIMIT_URL_SECRET_FILE (8 * LIMIT_KIB)
#define LIMIT_RATE_CLIENTS 4096 /* addresses whose requests are counted; the oldest goes */
#define LIMIT_REQUEST_BODY (4 * LIMIT_MIB) /* embedded API only; the others take none */

/* Embedded API */
#define LIMIT_EMBEDDED_MESSAGE (64 * LIMIT_KIB) /* of one Status */
#define LIMIT_EMBEDDED_CAUSES 100 /* field errors told in one answer */
#define LIMIT_EMBEDDED_UNKNOWN 100 /* unknown fields told in one answer */
#define LIMIT_EMBEDDED_RING_EVENTS 8192 /* watch history */
#define LIMIT_EMBEDDED_RING (4 * LIMIT_MIB)
#define LIMIT_EMBEDDED_SLICE 200 /* objects looked at in one go */
#define LIMIT_EMBEDDED_SLICE_BYTES (1 * LIMIT_MIB) /* and about so much text */
#define LIMIT_EMBEDDED_DEPTH 64 /* nesting of a protobuf body */
#define LIMIT_EMBEDDED_FILES 10000 /* manifests in the folder */
#define LIMIT_EMBEDDED_QUEUE 4096 /* requests that wait for the database */
#define LIMIT_EMBEDDED_PATCH_OPS 10000 /* operations of one JSON patch; as kube-apiserver has it */

#endif
