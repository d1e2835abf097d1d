// Pings its argument once and prints what came of it; run as another user by the test of pings.
import { ping } from '../../src/tasks/types/ping.ts';
import { probe } from './probe.ts';

const [target = ''] = process.argv.slice(2);
try {
  console.log(JSON.stringify({ series: [...(await probe(ping, target, {}, { timeoutMs: 1000 }))] }));
} catch (cause) {
  console.log(JSON.stringify({ error: String(cause) }));
}
