import assert from 'node:assert/strict';
import { test } from 'node:test';
import { receiverMessage, withoutQueries } from '../../src/exporters/http/response-text.ts';

test('the part of a response that repeats the request is omitted, however long it is', () => {
  const query = `timestamp=1&extra_label=${'x'.repeat(2000)}`;
  const body = `remoteAddr: "10.0.0.1:5, X-Forwarded-For: 10.0.0.2"; requestURI: /api/v1/x?${query}; unsupported path requested: "/x"\n`;
  assert.deepEqual(receiverMessage(body, 'text/plain; charset=utf-8'), {
    text: 'unsupported path requested: "/x"',
    isPage: false,
  });
  assert.equal(receiverMessage('missing route for "/api/v1/x?authKey=s3cret"').text, 'missing route for "/api/v1/x"');
});

test('no query, fragment or credentials of a URL are shown; other text stays', () => {
  for (const [given, shown] of [
    ['to https://sso.example/login?token=s3cret&next=/x', 'to https://sso.example/login'],
    ['to https://user:s3cret@sso.example/login#s3cret now', 'to https://sso.example/login now'],
    ['GET /a?s3cret failed, and "/b?s3cret"', 'GET /a failed, and "/b"'],
    ['what? is this #1 of a/b', 'what? is this #1 of a/b'],
  ] as const) {
    assert.equal(withoutQueries(given), shown);
  }
});

test('a web page is recognized by its type or its beginning, and shown by its text', () => {
  const page =
    '<!doctype html>\n<html><head><title>Log in</title><style>a{}</style></head><body><h1>Hello</h1></body></html>';
  for (const type of ['text/html; charset=utf-8', 'text/plain', undefined]) {
    assert.deepEqual(receiverMessage(page, type), { text: 'a web page "Log in": Hello', isPage: true });
  }
  assert.equal(receiverMessage('{"status":"error"}', 'application/json').isPage, false);
  for (const odd of ['<html>', '<html><head>', '<html><!--', '<html>/']) {
    const started = performance.now();
    assert.ok(receiverMessage(odd.repeat(200_000)).text.length <= 300);
    // Only its beginning is read: the time for all of it is quadratic.
    assert.ok(performance.now() - started < 10_000, `${odd} took ${performance.now() - started} ms`);
  }
});
