import assert from 'node:assert/strict';
import { test } from 'node:test';
import { softOpenFiles } from '../../src/host/limits.ts';

test('the soft limit of open files is a number or none; anything else is absent', () => {
  const limits = (soft: string) =>
    `Max processes             63432                63432                processes \nMax open files            ${soft} 1048576              files     \n`;
  assert.equal(softOpenFiles(limits('1024                ')), 1024);
  assert.equal(softOpenFiles(limits('unlimited           ')), Number.POSITIVE_INFINITY);
  assert.equal(softOpenFiles('Max open files 7'), 7);
  for (const wrong of ['many', '12x', '-1']) assert.equal(softOpenFiles(limits(wrong)), undefined, wrong);
  assert.equal(softOpenFiles(''), undefined);
});
