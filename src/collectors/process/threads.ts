import { COUNTER, Counters } from './counters.ts';
import { type Details, deny, unlessDenied } from './details.ts';
import { FIELD, Stat } from './parse.ts';
import type { ProcFiles } from './proc-files.ts';
import { countStat, type Process, type ThreadDetail, type ThreadRecord } from './process.ts';
import type { Cycle } from './process-table.ts';

/** Threads of a process with more than this are skipped. */
const MAX_THREADS = 8192;

/**
 * Reads the threads of processes. The status of a process has the context switches of its first thread only, so those
 * of the others are read one by one; they are counted by growth, since a sum over live threads drops when one exits.
 */
export class Threads {
  readonly #files: ProcFiles;
  readonly #details: Details;
  readonly #stat = new Stat();

  constructor(files: ProcFiles, details: Details) {
    this.#files = files;
    this.#details = details;
  }

  /** Reads the context switches of all threads but the first; with `inDetail` also the values by thread name. */
  async read(process: Process, inDetail: boolean, { turns, losses }: Cycle): Promise<void> {
    const { pid } = process;
    if (process.threads > MAX_THREADS) {
      const tooMany = `process ${pid} has ${process.threads} threads, more than the limit of ${MAX_THREADS}`;
      deny(process, 'task', losses, new Error(tooMany));
      return;
    }
    const names = unlessDenied(process, 'task', losses, () => this.#files.list(`${pid}/task`)) ?? [];
    const records = new Map<number, ThreadRecord>();
    for (const name of names) {
      if (turns.isOver) await turns.next();
      const tid = Number(name);
      const folder = `task/${name}/`;
      if (tid === pid && !inDetail) continue;
      if (!this.#details.load(process, `${folder}status`, losses, 'task')) continue;
      const known = process.threadRecords.get(tid);
      const record = { ...this.#details.switches(), detail: known?.detail };
      records.set(tid, record);
      if (tid !== pid) {
        process.otherVoluntarySwitches += growth(known?.voluntary, record.voluntary);
        process.otherNonvoluntarySwitches += growth(known?.nonvoluntary, record.nonvoluntary);
      }
      if (inDetail) this.#readDetail(process, folder, record, losses);
    }
    process.threadRecords = records;
  }

  #readDetail(process: Process, folder: string, record: ThreadRecord, losses: Cycle['losses']): void {
    const files = this.#files;
    const stat = this.#stat;
    const isRead = unlessDenied(process, 'task', losses, () => {
      if (!files.read(`${process.pid}/${folder}stat`)) return false;
      stat.parse(files.bytes, files.length);
      return true;
    });
    if (!isRead) return;
    const startTicks = stat.fields[FIELD.startTicks];
    const isSame = record.detail?.startTicks === startTicks;
    const detail: ThreadDetail = isSame && record.detail ? record.detail : newDetail(startTicks);
    record.detail = detail;
    detail.state = stat.state;
    if (detail.commHash !== stat.commHash) {
      detail.commHash = stat.commHash;
      detail.name = stat.comm(files.bytes);
    }
    countStat(detail.counters, stat.fields);
    this.#details.readIo(process, folder, detail.counters, losses);
    detail.counters.now[COUNTER.voluntarySwitches] = record.voluntary;
    detail.counters.now[COUNTER.nonvoluntarySwitches] = record.nonvoluntary;
    // Unlike a new process, a new thread counts from now on only, as in process-exporter.
    detail.counters.begin(false);
  }
}

/** A decreased count belongs to another thread with the same id. */
const growth = (before: number | undefined, now: number): number =>
  before !== undefined && now >= before ? now - before : now || 0;

const newDetail = (startTicks: number): ThreadDetail => ({
  startTicks,
  counters: new Counters(),
  commHash: 0,
  name: '',
  state: 0,
});
