import { spawn } from 'node:child_process';
import { once } from 'node:events';

const UNITS = ['ssh', 'kubelet', 'containerd', 'cron', 'chrony', 'systemd-networkd', 'dbus', 'node-problem-detector'];

/** The environment of systemd-journal-remote, which may be unpacked without being installed. */
const environment = () => ({
  ...process.env,
  ...(process.env.LD_LIBRARY_PATH_PEERS && { LD_LIBRARY_PATH: process.env.LD_LIBRARY_PATH_PEERS }),
});

/** An entry with the fields that journald adds for a service, in the export format. */
export function journalEntry(number: number, timeUs: number): string {
  const unit = UNITS[number % UNITS.length] as string;
  return [
    `__REALTIME_TIMESTAMP=${timeUs}`,
    `__MONOTONIC_TIMESTAMP=${5_000_000 + number}`,
    '_BOOT_ID=abcdef0123456789abcdef0123456789',
    '_MACHINE_ID=aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb',
    '_HOSTNAME=node-1',
    '_RUNTIME_SCOPE=system',
    `_TRANSPORT=${number % 10 === 0 ? 'syslog' : 'journal'}`,
    `_SYSTEMD_UNIT=${unit}.service`,
    `_SYSTEMD_CGROUP=/system.slice/${unit}.service`,
    '_SYSTEMD_SLICE=system.slice',
    `PRIORITY=${number % 100 === 0 ? 3 : 6}`,
    `SYSLOG_IDENTIFIER=${unit}`,
    'SYSLOG_FACILITY=3',
    `_PID=${1000 + (number % 50)}`,
    '_UID=0',
    '_GID=0',
    `_COMM=${unit}`,
    `_EXE=/usr/sbin/${unit}`,
    `_CMDLINE=/usr/sbin/${unit} --foreground`,
    `_SOURCE_REALTIME_TIMESTAMP=${timeUs - 7}`,
    `MESSAGE=request ${number} of ${unit} took ${number % 977} ms and was answered with ${200 + (number % 5)}`,
    '\n',
  ].join('\n');
}

/** Starts systemd-journal-remote on `path`; entries are written to its input. */
export function journalWriter(path: string) {
  const args = ['--split-mode=none', '-o', path, '-'];
  const child = spawn('systemd-journal-remote', args, { env: environment(), stdio: ['pipe', 'ignore', 'ignore'] });
  return {
    async write(text: string): Promise<void> {
      if (!child.stdin.write(text)) await once(child.stdin, 'drain');
    },
    async end(): Promise<void> {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}
