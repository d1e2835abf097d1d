import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CgroupReading } from '../../../src/collectors/container/reading.ts';

test('a reading that is filled again keeps nothing of the earlier one, whatever field that had', () => {
  for (const field of Object.keys(new CgroupReading())) {
    const reading = Object.assign(new CgroupReading(), { [field]: 'earlier' });
    assert.deepEqual(reading.cleared(), new CgroupReading(), field);
  }
});
