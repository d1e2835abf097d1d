import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Longer than any measurement between two messages. */
const DEADLINE_MS = 300_000;

/** The next message of a child. Rejects if the child exits first, or after `deadlineMs`. */
export async function nextMessage<T>(child: ChildProcess, deadlineMs = DEADLINE_MS): Promise<T> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(deadlineMs)]);
  const ended = once(child, 'exit', { signal }).then(([code, killer]) => {
    throw new Error(`${child.spawnargs.join(' ')} exited with ${code ?? killer} and sent no message`);
  });
  try {
    const [message] = await Promise.race([once(child, 'message', { signal }), ended]);
    return message as T;
  } finally {
    over.abort();
    ended.catch(() => undefined);
  }
}
