import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readlinkSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type FolderEvent, Inotify, parseFolderEvents } from '../../src/host/inotify.ts';
import { putU32 } from '../../src/host/native.ts';
import { scratchFolder } from '../kit/host-tree.ts';

/** A struct inotify_event whose name is padded with NULs, as by the kernel. */
function eventBytes(watch: number, mask: number, name = ''): Buffer {
  const padded = name === '' ? 0 : Math.ceil((name.length + 1) / 16) * 16;
  const bytes = Buffer.alloc(16 + padded);
  bytes.write(name, 16);
  putU32(bytes, 0, watch >>> 0);
  putU32(bytes, 4, mask);
  putU32(bytes, 12, padded);
  return bytes;
}

const event = (watch: number, name: string, kind: Partial<FolderEvent> = {}): FolderEvent => ({
  watch,
  name,
  isFolder: false,
  isWrite: false,
  ...kind,
});

test('events are parsed: names, folders, writes, the end of a watch', () => {
  const events = [
    eventBytes(1, 0x2, 'memory.max'),
    eventBytes(2, 0x40000100, 'pod1'),
    eventBytes(3, 0x200, 'a-name-of-16-byte'),
    eventBytes(3, 0x8000),
  ];
  assert.deepEqual(parseFolderEvents(Buffer.concat(events)), [
    event(1, 'memory.max', { isWrite: true }),
    event(2, 'pod1', { isFolder: true }),
    event(3, 'a-name-of-16-byte'),
    event(3, ''),
  ]);
  assert.deepEqual(parseFolderEvents(Buffer.alloc(0)), []);
  assert.equal(parseFolderEvents(Buffer.concat([eventBytes(1, 0x2, 'x'), eventBytes(-1, 0x4000)])), undefined);
});

function opened(context: TestContext): { inotify: Inotify; folder: string; drained: () => FolderEvent[] | false } {
  const inotify = new Inotify();
  context.after(() => inotify.close());
  const drained = () => {
    const events: FolderEvent[] = [];
    return inotify.drain((one) => events.push(one)) && events;
  };
  return { inotify, folder: scratchFolder(context), drained };
}

test('changes in a watched folder are reported once, without waiting', (context) => {
  const { inotify, folder, drained } = opened(context);
  assert.deepEqual(drained(), []);
  writeFileSync(join(folder, 'file'), '1');
  const watch = inotify.add(folder);
  assert.ok(watch !== undefined);
  assert.equal(inotify.add(folder), watch);
  assert.deepEqual(drained(), []);
  writeFileSync(join(folder, 'file'), '2', { flag: 'r+' });
  mkdirSync(join(folder, 'é'));
  renameSync(join(folder, 'file'), join(folder, 'other'));
  rmdirSync(join(folder, 'é'));
  assert.deepEqual(drained(), [
    event(watch, 'file', { isWrite: true }),
    event(watch, 'é', { isFolder: true }),
    event(watch, 'file'),
    event(watch, 'other'),
    event(watch, 'é', { isFolder: true }),
  ]);
  assert.deepEqual(drained(), []);
  inotify.remove(watch);
  inotify.remove(watch);
  assert.deepEqual(drained(), [event(watch, '')]);
  writeFileSync(join(folder, 'other'), '3');
  assert.deepEqual(drained(), []);
});

test('a folder that is gone ends its watch, a later one of its name has another number', (context) => {
  const { inotify, folder, drained } = opened(context);
  const inner = join(folder, 'inner');
  mkdirSync(inner);
  const watch = inotify.add(inner);
  assert.ok(watch !== undefined);
  rmSync(inner, { recursive: true });
  const ended = drained();
  assert.ok(ended !== false && ended.length > 0 && ended.every(({ name }) => name === ''), JSON.stringify(ended));
  mkdirSync(inner);
  assert.notEqual(inotify.add(inner), watch);
});

test('too many events are reported as incomplete', (context) => {
  const { inotify, folder, drained } = opened(context);
  inotify.add(folder);
  // The default length of the queue is 16,384. Equal events in a row are merged.
  for (let round = 0; round < 40_000; round++) writeFileSync(join(folder, `file${round % 2}`), 'x', { flag: 'a' });
  assert.equal(drained(), false);
});

test('what cannot be watched has no number; closing leaves no descriptor', (context) => {
  const count = () =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).includes('inotify');
      } catch {
        return false;
      }
    }).length;
  const before = count();
  const inotify = new Inotify();
  assert.equal(count(), before + 1);
  const folder = scratchFolder(context);
  writeFileSync(join(folder, 'file'), '');
  assert.deepEqual([inotify.add(join(folder, 'absent')), inotify.add(join(folder, 'file'))], [undefined, undefined]);
  inotify.close();
  assert.equal(count(), before);
});
