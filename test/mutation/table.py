"""The table of docs/verification.md: what run.py has found, a row for each group of checks."""

import collections
import re

START, END = '<!-- by test/mutation/run.py --table -->', '<!-- end of the table -->'

# Layout, what is checked, which checks: the first row that fits "FILE FUNCTION:" has them. What none
# fits gets a row of its file's own.
V, C = r'lib/verify/', r'lib/crypto/'
ROWS = [
    ('keys', 'entries of the Secret', V + r'keys\.c'),
    ('keys', 'PEM, kind, curve, size, exponent', C + r'pubkey\.c (?!pubkey_verifies)'),
    ('all', 'the walk over the rows', V + r'checks\.c'),
    ('all', 'the signature itself', C + r'pubkey\.c pubkey_verifies'),
    ('`.sig`', 'the manifest and its layers', V + r'legacy\.c (verify_legacy_read|layer_read)'),
    ('`.sig`', 'annotations of a layer', V + r'legacy\.c (signature_read|extra_check)'),
    ('`.sig`', 'the rows of what is checked with keys', V + r'legacy(_checks)?\.c (by_key|key_check)'),
    ('`.sig`', 'type and digest in the payload', V + r'(simple_signing\.c|legacy_checks\.c payload)'),
    ('`.sig`, keyless', 'the rows of what is checked', V + r'legacy_checks\.c by_certificate'),
    ('`.sig`, keyless', 'the entry of the log', V + r'legacy_checks\.c (entry|text|hex)_'),
    ('`.sig`, keyless', 'body, certificate, promise', V + r'legacy_checks\.c'),
    ('bundle', 'the manifest that holds it', V + r'bundle\.c (subject_check|verify_bundle_blob)'),
    ('bundle', 'version', V + r'bundle\.c (version|type)_ok'),
    ('bundle', 'the rows of what is checked with keys', V + r'bundle_checks\.c by_key'),
    ('bundle', 'material, and what it is for',
     V + r'(bundle\.c (material|bundle)_check|bundle_checks\.c form_check)'),
    ('bundle', 'envelope (DSSE), by one of the keys',
     V + r'(bundle\.c|dsse\.c|bundle_checks\.c (envelope|key)_check)'),
    ('bundle', 'the statement and its subjects', V + r'(statement\.c|bundle_checks\.c statement)'),
    ('bundle, root', 'protobuf JSON', V + r'protojson\.c'),
    ('bundle, keyless', 'form of the log entries', V + r'bundle_entry\.c'),
    ('bundle, keyless', 'the rows of what is checked', V + r'bundle_checks\.c by_certificate'),
    ('bundle, keyless', 'entries: once each, of this signature',
     V + r'bundle_log\.c (is_same|entries|entry|body|count)_?'),
    ('bundle, keyless', 'entries: promised or proven', V + r'bundle_log\.c'),
    ('bundle, keyless', 'a time, by the log or a timestamp', V + r'bundle_checks\.c times?_'),
    ('bundle, keyless', 'certificate, signature', V + r'bundle_checks\.c'),
    ('log', 'kind of a body', V + r'log_body\.c (verify_log_body_(read|is|of_env))'),
    ('log', 'body: signature, certificate, payload', V + r'log_body\.c'),
    ('log', 'promise (SET)', V + r'tlog\.c verify_tlog_promise'),
    ('log', 'inclusion proof', V + r'merkle\.c|' + V + r'tlog\.c verify_tlog_inclusion'),
    ('log', 'checkpoint: form, root and size', V + r'tlog\.c|' + V + r'note\.c (line|size|root|verify_note_read|verify_note_is|signature_read)'),
    ('log', 'checkpoint: signatures', V + r'note\.c'),
    ('keyless', 'reading a certificate', C + r'cert\.c (?!cert_(extension|utf8|tbs|equal))'),
    ('keyless', 'its extensions', C + r'cert\.c'),
    ('keyless', 'path to an authority, and its purposes', C + r'cert_chain\.c'),
    ('keyless', 'names in it', C + r'cert_names\.c'),
    ('keyless', 'authority and log of the root, times', V + r'fulcio\.c'),
    ('keyless', 'timestamps of logs (SCT)', C + r'sct\.c'),
    ('keyless', 'identities: patterns', V + r'identity\.c (compile|verify_identities_(compile|anch)|anchored)'),
    ('keyless', 'identities: issuer and subject', V + r'identity\.c'),
    ('keyless', 'timestamps', C + r'timestamp\.c'),
    ('notation', 'revocation: answers (OCSP), where to ask', C + r'(ocsp|revoked|notary_cert_urls)\.c'),
    ('notation', 'revocation: lists (CRL)', C + r'crl\.c'),
    ('root', 'TUF: keys, roles, signatures', V + r'tuf_(root|canonical)\.c'),
    ('root', 'TUF: a file, what lists it', V + r'tuf_(meta|listed)\.c'),
    ('root', 'TUF: the order of files, versions', V + r'tuf\.c'),
    ('cosign', 'demands of annotations', V + r'demands\.c'),
    ('root', 'logs and their keys', V + r'trusted_root\.c (log|key_)'),
    ('root', 'authorities', V + r'trusted_root\.c (cert|authorit)'),
    ('root', 'times, and the whole', V + r'trusted_root\.c'),
    ('notation', 'entries of the Secret', V + r'notation_trust\.c'),
    ('notation', 'policy: level and overrides', V + r'notation_policy\.c (level|override|timestamp|verification|index)'),
    ('notation', 'policy: stores and identities', V + r'notation_policy\.c (store|identit|overlap|list)'),
    ('notation', 'policy: the document, scopes', V + r'notation_policy\.c'),
    ('notation', 'names (DN)', V + r'notation_dn\.c'),
    ('notation', 'the manifest that holds it', V + r'notation\.c (subject_check|verify_notation_blob)'),
    ('notation', 'who has signed', V + r'notation\.c (is_anchored|identity|authenticity)'),
    ('notation', 'expiry, times, revocation', V + r'notation\.c (expiry|timestamp|revocation)'),
    ('notation', 'what was signed', V + r'notation\.c (target|payload)'),
    ('notation', 'the rows of what is checked', V + r'notation\.c checks'),
    ('notation', 'level, type', V + r'notation\.c'),
    ('notation', 'JWS: the envelope', V + r'jws\.c'),
    ('notation', 'COSE: the envelope', V + r'cose\.c (parts|bytes|map|label|pair|int|text|verify|signing)'),
    ('notation', 'COSE: its headers', V + r'cose\.c'),
    ('notation', 'headers: critical attributes, plugin', V + r'envelope\.c (crit|is_|may|plugin)'),
    ('notation', 'headers: times, algorithm, types', V + r'envelope\.c'),
    ('notation', 'chain: one by the next', V + r'notation_chain\.c (link|names|is_root|verify_chain:)'),
    ('notation', 'chain: each certificate, times', V + r'notation_chain\.c'),
    ('notation', 'reading a certificate', C + r'notary_cert\.c (notary_cert_parse|der_|cert_read|notary_certs|facts|time|is_crit|wrong|notary_cert_attr)'),
    ('notation', 'its key, signatures', C + r'notary_cert(_signed)?\.c'),
]


def row_of(name):
    for row in ROWS:
        if re.match(row[2], name):
            return row[:2]
    path = name.split()[0]
    folder, file = path.split('/')[-2:]
    return (folder, '`%s`' % file)


def short(by):
    """'bundle test_forms: ...' as the suite's name, and the test's."""
    m = re.match(r'(\w+) (?:test_)?(\w+): ', by)
    return '%s: %s' % m.groups() if m else by.split(':')[0]


def text(results):
    groups = collections.OrderedDict((row[:2], []) for row in ROWS)
    for name, by in results.items():
        groups.setdefault(row_of(name), []).append((name, by))
    lines = ['| layout | checks | how many | noticed by | not noticed |', '|---|---|---|---|---|']
    for (layout, what), rows in groups.items():
        if not rows:
            continue
        tests = collections.Counter(short(by) for _, by in rows if by)
        most = ', '.join('%s %d' % t for t in tests.most_common(3))
        more = len(tests) - 3
        lines.append('| %s | %s | %d | %s | %s |' % (
            layout, what, len(rows), most + (', %d more' % more if more > 0 else ''),
            sum(1 for name, by in rows if not by) or ''))
    total, kept = len(results), sum(1 for by in results.values() if not by)
    lines.append('| **all** | | **%d** | **%d** | **%d** |' % (total, total - kept, kept))
    return '\n'.join(lines)


def renew(page, results):
    with open(page) as f:
        before, rest = f.read().split(START)
    after = rest.split(END)[1]
    with open(page, 'w') as f:
        f.write('%s%s\n\n%s\n\n%s%s' % (before, START, text(results), END, after))
