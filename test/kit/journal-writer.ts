import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { cleanUp } from './clean-up.ts';

/** Library path of programs that are unpacked and not installed. */
const withLibraries = () => ({
  ...process.env,
  ...(process.env.LD_LIBRARY_PATH_PEERS && { LD_LIBRARY_PATH: process.env.LD_LIBRARY_PATH_PEERS }),
});

/** The real writer of journals: systemd-journal-remote, which reads entries from its standard input. */
export class JournalWriter {
  readonly #child: ChildProcess;
  #stderr = '';

  /**
   * Writes to `folder`, which must exist. A file that reaches `maxFileBytes` is rotated; systemd limits files to a sixteenth
   * of `--max-use`.
   */
  constructor(context: TestContext, folder: string, options: readonly string[] = []) {
    this.#child = spawn('systemd-journal-remote', ['-o', folder, ...options, '-'], {
      env: withLibraries(),
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-2000);
    });
    const exited = once(this.#child, 'exit');
    exited.catch(() => undefined);
    cleanUp(context, async () => {
      this.#child.kill('SIGKILL');
      await exited;
    });
  }

  /** Writes entries; resolves when the writer has accepted the text. */
  async write(text: string): Promise<void> {
    const { stdin } = this.#child;
    if (stdin === null || this.#child.exitCode !== null) throw new Error(`the writer has exited: ${this.#stderr}`);
    if (!stdin.write(text)) await once(stdin, 'drain', { signal: AbortSignal.timeout(60_000) });
  }

  /** Ends the input and waits until everything is in the files. */
  async end(): Promise<void> {
    const exited = once(this.#child, 'exit', { signal: AbortSignal.timeout(60_000) });
    this.#child.stdin?.end();
    const [code] = await exited;
    if (code !== 0) throw new Error(`systemd-journal-remote exited with ${code}: ${this.#stderr}`);
  }
}

/** An entry in the export format, with the fields that journald always has. */
export function exportEntry(number: number, fields: Readonly<Record<string, string>> = {}, startUs = START_US): string {
  const time = startUs + number * 1000;
  const all = {
    __REALTIME_TIMESTAMP: String(time),
    __MONOTONIC_TIMESTAMP: String(5_000_000 + number * 1000),
    _BOOT_ID: 'abcdef0123456789abcdef0123456789',
    _MACHINE_ID: 'aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb',
    _HOSTNAME: 'node-1',
    _TRANSPORT: 'journal',
    _SYSTEMD_UNIT: 'sshd.service',
    PRIORITY: '6',
    SYSLOG_IDENTIFIER: 'sshd',
    SYSLOG_FACILITY: '3',
    _PID: '4242',
    _UID: '0',
    _GID: '0',
    _COMM: 'sshd',
    _EXE: '/usr/sbin/sshd',
    _CMDLINE: 'sshd: root@pts/0',
    _SYSTEMD_CGROUP: '/system.slice/sshd.service',
    _SOURCE_REALTIME_TIMESTAMP: String(time - 7),
    MESSAGE: `message ${number}`,
    ...fields,
  };
  return `${Object.entries(all)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n\n`;
}

/** Time of the first entry: 2023-11-14. */
export const START_US = 1_700_000_000_000_000;
