import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { TailSet } from '../../src/host/tail/tail-set.ts';
import type { FileState } from '../../src/host/tail/tailed-file.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { interleave } from '../kit/interleave.ts';

const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `line ${String(from + index).padStart(8, '0')} of a log\n`).join('');

interface Run {
  readonly folder: string;
  /** Before which access to files the log is rotated. */
  readonly at: number;
  /** The name of the rotated file. */
  readonly rotated: string;
  readonly begins: 'new' | 'read' | 'grown' | 'saved';
  readonly closeAfterMs: number;
}

/** Follows a log that is rotated in between; returns the lines read and the bytes reported as lost. */
function follow({ folder, at, rotated, begins, closeAfterMs }: Run) {
  mkdirSync(folder);
  const path = join(folder, 'app.log');
  const received: string[] = [];
  const events = { lost: 0, failed: [] as unknown[] };
  const open = (saved?: readonly FileState[]) =>
    new TailSet(
      { paths: [join(folder, '*.log')], start: 'beginning', closeAfterMs, exclude: () => false },
      {
        rotated: () => undefined,
        truncated: () => undefined,
        failed: (_, cause) => events.failed.push(cause),
        lost: (_, bytes) => (events.lost += bytes),
        appeared: (file) => seen.add(file.ino),
      },
      saved,
    );
  const seen = new Set<number>();
  let set = open();
  let nowMs = 1_000_000;
  const cycle = () => {
    nowMs += 15_000;
    for (const file of set.refresh(nowMs)) {
      const chunk = Buffer.alloc(64 * 1024);
      const length = file.read(chunk, file.offset);
      received.push(chunk.toString('latin1', 0, length));
      file.offset += length;
    }
  };
  cycle();
  if (begins !== 'new') {
    writeFileSync(path, lines(0, 10));
    cycle();
    cycle();
  }
  if (begins === 'saved') {
    const saved = JSON.parse(JSON.stringify(set.dump())) as FileState[];
    set.close();
    set = open(saved);
  }
  if (begins !== 'read') appendFileSync(path, lines(10, 20));
  const { ino } = statSync(path);
  let isTaken = false;
  interleave((call) => {
    if (call !== at) return;
    isTaken = true;
    renameSync(path, join(folder, rotated));
    writeFileSync(path, lines(20, 30));
  }, cycle);
  appendFileSync(path, lines(30, 40));
  for (let cycles = 0; cycles < 8; cycles++) cycle();
  set.close();
  // Before it was ever seen, it is only found if its new name matches.
  const isKnown = begins !== 'new' || rotated.endsWith('.log') || seen.has(ino);
  return { isTaken, isKnown, received: received.join(''), ...events };
}

test('a log that is rotated between any two accesses to files is read completely, once', (context) => {
  const root = scratchFolder(context);
  const wrong: string[] = [];
  let [runs, folders] = [0, 0];
  for (const rotated of ['app.log.1', 'app-1.log', '0-app.log']) {
    for (const begins of ['new', 'read', 'grown', 'saved'] as const) {
      for (const closeAfterMs of [1000, 3_600_000]) {
        for (let at = 0; ; at++) {
          const options = { at, rotated, begins, closeAfterMs };
          const result = follow({ ...options, folder: join(root, String(folders++)) });
          const { isTaken, isKnown, received, lost, failed } = result;
          if (!isTaken) break;
          if (!isKnown) continue;
          runs++;
          const expected = lines(begins === 'new' ? 10 : 0, begins === 'read' ? 10 : 20) + lines(20, 40);
          if (received.split('\n').sort().join('') === expected.replaceAll('\n', '') && lost + failed.length === 0)
            continue;
          wrong.push(`${JSON.stringify(options)}: ${received.length} of ${expected.length}, lost ${lost}, ${failed}`);
        }
      }
    }
  }
  assert.equal(wrong.length, 0, `${wrong.length} of ${runs}\n${wrong.slice(0, 8).join('\n')}`);
  assert.ok(runs > 100, `${runs}`);
});
