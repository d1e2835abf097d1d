import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/**
 * Waits until process `pid` has received the signals sent to it, or has ended: the kernel merges two equal signals that
 * are pending at the same time (signal(7)).
 */
export async function signalsReceived(pid: number): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (/^(?:SigPnd|ShdPnd):\s*0*[1-9a-f]/m.test(statusOf(pid))) {
    if (performance.now() > deadline) throw new Error(`process ${pid} does not receive its signals`);
    await setTimeout(5);
  }
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch {
    return '';
  }
}
