import type { ClientRequest } from 'node:http';
import { turn } from '../base/turns.ts';
import { contiguous } from './contiguous.ts';

/** Large enough for the calls to cost little compared with the copying. 8 MiB, the state of 15,000 pods, take 2 to 3 ms. */
const PIECE_BYTES = 8 * 1024 * 1024;

/**
 * Writes the body of a request and ends it. The buffers go to the kernel without a copy, some megabytes per call, and
 * the event loop turns in between: libuv writes all that it has in one turn while the receiver keeps up, which takes 10 ms
 * for the 50 MB of a large cluster. Stops when `responded` settles; rejects when it does.
 */
export async function writeBody(
  request: ClientRequest,
  buffers: readonly Buffer[],
  responded: Promise<unknown>,
): Promise<void> {
  let isOver: boolean = false;
  const over = responded.finally(() => {
    isOver = true;
  });
  // The caller handles its error; here it matters only while something is waited for.
  over.catch(() => {});
  let isTaken: boolean | undefined;
  for (const piece of piecesOf(buffers)) {
    if (isTaken !== undefined) {
      if (!isTaken) await Promise.race([drained(request), over]);
      await turn();
      if (isOver) return;
    }
    request.cork();
    for (const buffer of piece) isTaken = request.write(buffer);
    request.uncork();
  }
  request.end();
}

/** Cached: the buffers never change, and the state of a cluster has thousands of them, often the same in many pushes. */
const pieces = new WeakMap<readonly Buffer[], readonly (readonly Buffer[])[]>();

function piecesOf(buffers: readonly Buffer[]): readonly (readonly Buffer[])[] {
  let made = pieces.get(buffers);
  if (made === undefined) {
    made = split(buffers);
    pieces.set(buffers, made);
  }
  return made;
}

function split(buffers: readonly Buffer[]): readonly (readonly Buffer[])[] {
  const made: (readonly Buffer[])[] = [];
  let piece: Buffer[] = [];
  let bytes = 0;
  for (const buffer of buffers) {
    if (bytes >= PIECE_BYTES) {
      made.push(contiguous(piece));
      piece = [];
      bytes = 0;
    }
    piece.push(buffer);
    bytes += buffer.length;
  }
  made.push(contiguous(piece));
  return made;
}

const drained = (request: ClientRequest): Promise<void> =>
  new Promise((resolve) => void request.once('drain', resolve));
