// Pings its argument once and prints the result; the ping test runs it as another user.
import { ping } from '../../src/tasks/types/ping.ts';
import { probe } from './probe.ts';

const [target = ''] = process.argv.slice(2);
try {
  console.log(JSON.stringify({ series: [...(await probe(ping, target, {}, { timeoutMs: 1000 }))] }));
} catch (cause) {
  console.log(JSON.stringify({ error: String(cause) }));
}
