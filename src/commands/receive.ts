import { wallMs } from '../base/clock.ts';
import { errorText } from '../base/error-text.ts';
import { ConfigError } from '../config/config-error.ts';
import { startReceiver } from '../receiver/server.ts';
import { summaryText } from '../receiver/summary.ts';
import { type Command, type Io, UsageError } from './command.ts';
import { parseFlags } from './flags.ts';

/** A receiver that shows incoming data. */
export interface ShownReceiver {
  readonly url: string;
  /** Shows a line below the summary from now on. */
  note(line: string): void;
  close(): Promise<void>;
}

const REFRESH_MS = 1000;
/** Without a terminal the summary is repeated, not redrawn: less often, but the first one soon. */
const REPEAT_MS = 5000;
const FIRST_MS = 2000;
const CLEAR = '\x1b[H\x1b[2J';

/** Starts a receiver and shows its summary on standard output until it is closed. Rejects with a ConfigError. */
export async function showReceiver(host: string, port: number, io: Io): Promise<ShownReceiver> {
  const receiver = await startReceiver({ host: host.replace(/^\[|\]$/g, ''), port, now: wallMs }).catch(
    (cause: unknown) => {
      throw new ConfigError([`the receiver cannot listen on ${host}:${port}: ${errorText(cause)}`]);
    },
  );
  const notes: string[] = [];
  const show = () => {
    const text = summaryText(receiver.store, wallMs(), io.columns);
    const foot = [...notes, `receiving at ${receiver.url}, Ctrl-C stops`].map((line) => `${line}\n`).join('');
    io.stdout(io.isTerminal ? `${CLEAR}${text}\n${foot}` : `${text}\n`);
  };
  io.stdout(`receiving at ${receiver.url}\n`);
  const first = setTimeout(show, io.isTerminal ? REFRESH_MS : FIRST_MS);
  const timer = setInterval(show, io.isTerminal ? REFRESH_MS : REPEAT_MS);
  return {
    url: receiver.url,
    note(line) {
      notes.push(line);
      io.stdout(`${line}\n`);
    },
    async close() {
      clearTimeout(first);
      clearInterval(timer);
      show();
      await receiver.close();
    },
  };
}

/** `firesteel receive`. */
export const receive: Command = {
  help: `usage: firesteel receive [--listen HOST:PORT]

Accepts pushes of agents over VictoriaMetrics' text import, Pushgateway's protocol and remote write on one port, checks every
line as the real servers do and shows a live summary. For testing: nothing is stored.

  --listen HOST:PORT       default 127.0.0.1:8428`,
  async run(args, io) {
    const { values } = parseFlags(args, { listen: { type: 'string' } });
    const listen = typeof values.listen === 'string' ? values.listen : '127.0.0.1:8428';
    const match = /^(.*):(\d{1,5})$/.exec(listen);
    if (!match) throw new UsageError(`--listen: expected HOST:PORT, found ${JSON.stringify(listen)}`);
    const receiver = await showReceiver(match[1] || '0.0.0.0', Number(match[2]), io);
    if (!io.stop.aborted) await new Promise((resolve) => io.stop.addEventListener('abort', resolve, { once: true }));
    await receiver.close();
    return 0;
  },
};
