import type { IncomingMessage } from 'node:http';
import { errorCode, errorText } from '../base/error-text.ts';
import { ApiUnreachable } from './api.ts';

/** Bytes that may be buffered for the reader before the connection is paused. */
const AHEAD_BYTES = 64 * 1024;

const CLOSED = 'the connection was closed before the end of the response';

/**
 * The bytes of a response; ends it when the reader stops or nothing is received for `idleMs`.
 *
 * Node's own iterator takes as long for a chunk as all other processing of a watch event: it waits for `readable` in a later
 * tick, and reads through the buffer of the stream. In an idle agent most chunks are single events.
 */
export async function* chunksOf(stream: IncomingMessage, url: string, idleMs: number): AsyncGenerator<Buffer> {
  const waiting: Buffer[] = [];
  let bytes = 0;
  let end: { readonly cause: unknown } | undefined;
  let wake = () => {};
  const over = (cause?: unknown) => {
    end ??= { cause };
    wake();
  };
  const idle = () => {
    over(new ApiUnreachable(url, 'EIDLE', `nothing received for ${idleMs} ms`));
    stream.destroy();
  };
  const timer = setTimeout(idle, idleMs);
  stream.on('data', (chunk: Buffer) => {
    waiting.push(chunk);
    bytes += chunk.length;
    if (bytes >= AHEAD_BYTES) stream.pause();
    wake();
  });
  stream.once('end', () => over());
  stream.on('error', over);
  // After `end` or an error this has no effect.
  stream.once('close', () => over(new Error(CLOSED)));
  // A page that was requested in advance may have ended or failed before it is read.
  if (stream.destroyed) over(stream.errored ?? new Error(CLOSED));
  try {
    for (;;) {
      const chunk = waiting.shift();
      if (chunk !== undefined) {
        timer.refresh();
        bytes -= chunk.length;
        if (bytes === 0 && stream.isPaused()) stream.resume();
        yield chunk;
      } else if (end !== undefined) {
        if (end.cause === undefined) return;
        throw end.cause instanceof ApiUnreachable ? end.cause : unreachable(url, end.cause);
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    clearTimeout(timer);
    stream.destroy();
  }
}

/** Whatever else an error contains, only its code and message are copied: no request, and so no token. */
export function unreachable(url: string, cause: unknown): ApiUnreachable {
  return new ApiUnreachable(url, errorCode(cause) ?? 'ERROR', errorText(cause));
}
