import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditVerdict } from '../../scripts/audit-verdict.ts';

test('only high and critical vulnerabilities fail, by name', () => {
  const list = (severity: string) =>
    JSON.stringify({ vulnerabilities: { got: { severity }, zod: { severity: 'low' } } });
  assert.equal(auditVerdict(list('moderate')).isBad, false);
  for (const severity of ['high', 'critical']) {
    assert.deepEqual(auditVerdict(list(severity)), {
      text: `audit: update or replace got (${severity}); \`npm audit\` has the details`,
      isBad: true,
    });
  }
});

test('without a registry the audit is skipped, and reports it', () => {
  for (const [json, why] of [
    ['{"message":"405 Method Not Allowed","error":{}}', /405/],
    ['', /no list/],
  ] as const) {
    const { text, isBad } = auditVerdict(json);
    assert.equal(isBad, false);
    assert.match(text, /^audit: skipped/);
    assert.match(text, why);
  }
});
