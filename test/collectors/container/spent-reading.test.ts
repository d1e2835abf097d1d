import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reading } from '../../../src/collectors/container/reading.ts';

test('a reading that is filled again keeps nothing of the earlier one, whatever field that had', () => {
  for (const field of Object.keys(new Reading())) {
    const reading = Object.assign(new Reading(), { [field]: 'earlier' });
    assert.deepEqual(reading.cleared(), new Reading(), field);
  }
});
