import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../../src/base/log.ts';
import { ApiError, ApiUnreachable } from '../../src/kube/api.ts';
import { FailureLog } from '../../src/kube/failure-log.ts';

const PATHS = Array.from({ length: 30 }, (_, index) => `/apis/a.io/v1/r${index}`);
const refused = () => new ApiUnreachable('http://api', 'ECONNREFUSED', 'connection refused');
const status = (code: number) => new ApiError('http://api', code, 'no');

function logging() {
  const lines: string[] = [];
  const clock = { ms: 0 };
  const log = new FailureLog(createLog('info', { write: (line) => lines.push(line) }), () => clock.ms);
  return { lines, clock, log };
}

test('an hour of 30 collections that fail every 30 s for one cause takes only a few lines, with the count and no stack', () => {
  const { lines, clock, log } = logging();
  for (; clock.ms < 3_600_000; clock.ms += 30_000) for (const path of PATHS) log.failed(path, refused());
  assert.equal(lines.length, 2);
  assert.match(lines[1] ?? '', /"cause":"unreachable".*"collections":30/);
  assert.ok(lines.every((line) => !line.includes('stack')));
  for (const path of PATHS) log.over(path);
  assert.equal(lines.length, 3);
  assert.match(lines[2] ?? '', /"failures":3600,"seconds":3600.*following these objects again/);
});

test('a cause that comes and goes every half minute also takes only a few lines', () => {
  const { lines, clock, log } = logging();
  for (; clock.ms < 3_600_000; clock.ms += 30_000) {
    for (const path of PATHS) log.failed(path, refused());
    for (const path of PATHS) log.over(path);
  }
  assert.ok(lines.length <= 14, `${lines.length} lines`);
});

test('each cause has its own line, and a collection has one cause at a time', () => {
  const { lines, log } = logging();
  log.failed('/apis/a.io/v1/a', status(403));
  log.failed('/apis/a.io/v1/b', status(401));
  log.failed('/apis/a.io/v1/c', status(404));
  assert.deepEqual(
    lines.map((line) => [JSON.parse(line).level, JSON.parse(line).cause]),
    [
      ['warn', '403'],
      ['warn', '401'],
      ['info', 'not served'],
    ],
  );
  // Another cause is no recovery.
  log.failed('/apis/a.io/v1/a', status(401));
  assert.equal(lines.length, 3);
  log.over('/apis/a.io/v1/a');
  assert.equal(lines.length, 3);
  log.over('/apis/a.io/v1/b');
  assert.match(lines[3] ?? '', /"cause":"401".*following these objects again/);
});

test('the end of a failure is logged although its last cause was not: it was logged recently', () => {
  const { lines, clock, log } = logging();
  const [path = ''] = PATHS;
  log.failed(path, status(500));
  log.over(path);
  log.failed(path, status(403));
  clock.ms += 1000;
  log.failed(path, status(500));
  log.over(path);
  assert.deepEqual(
    lines.map((line) => [JSON.parse(line).level, JSON.parse(line).cause]),
    [
      ['warn', '500'],
      ['info', '500'],
      ['warn', '403'],
      ['info', '500'],
    ],
  );
});

test('404 of the core group, which every API server has, is a failure', () => {
  const { lines, log } = logging();
  log.failed('/api/v1/pods', status(404));
  assert.match(lines[0] ?? '', /"level":"warn".*"cause":"404"/);
});
