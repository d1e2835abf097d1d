import { open } from 'node:fs/promises';
import { READ_AT_ONCE } from '../../base/files.ts';
import { numberAfter } from '../../host/byte-numbers.ts';
import { fileError, MissingFile } from '../../host/errors.ts';
import { deny } from './details.ts';
import { KEY } from './parse.ts';
import type { ProcFiles } from './proc-files.ts';
import type { Process } from './process.ts';
import type { Cycle } from './process-table.ts';

const FILE = 'smaps_rollup';
/** The kernel prints some 25 lines. */
const MAX_BYTES = 4096;

/**
 * Proportional memory: shared pages divided by those that share them. For this the kernel walks all page tables of the
 * process, about 22 ms per GiB, and locks its memory map in the meantime: so only a few processes per cycle, in turn,
 * and none too large. Read in another thread, unlike everything else here.
 */
export class Proportional {
  readonly #files: ProcFiles;
  readonly #perCycle: number;
  readonly #maxPages: number;
  /** The pid after which the next turn continues. */
  #after = 0;

  constructor(files: ProcFiles, perCycle: number, maxPages: number) {
    this.#files = files;
    this.#perCycle = perCycle;
    this.#maxPages = maxPages;
  }

  /** Reads the next few of `processes`. */
  async read(processes: Iterable<Process>, { turns, losses }: Cycle): Promise<void> {
    const candidates: Process[] = [];
    for (const process of processes) {
      if (process.groupName === undefined || process.isZombie || process.isKernelThread) continue;
      if (process.denied.has(FILE)) continue;
      if (process.residentPages <= this.#maxPages) candidates.push(process);
      else process.pssBytes = process.swapPssBytes = Number.NaN;
    }
    candidates.sort((one, other) => one.pid - other.pid);
    const later = candidates.findIndex(({ pid }) => pid > this.#after);
    const inTurn = later === -1 ? candidates : [...candidates.slice(later), ...candidates.slice(0, later)];
    for (const process of inTurn.slice(0, this.#perCycle)) {
      this.#after = process.pid;
      await this.#readOne(process, losses);
      await turns.next();
    }
  }

  async #readOne(process: Process, losses: Cycle['losses']): Promise<void> {
    const path = this.#files.path(`${process.pid}/${FILE}`);
    try {
      await using file = await open(path, READ_AT_ONCE);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0);
      process.pssBytes = numberAfter(buffer, bytesRead, KEY.pssKib) * 1024;
      process.swapPssBytes = numberAfter(buffer, bytesRead, KEY.swapPssKib) * 1024;
    } catch (cause) {
      const error = fileError(path, cause);
      const isEnded = error instanceof MissingFile;
      process.pssBytes = process.swapPssBytes = isEnded ? 0 : Number.NaN;
      if (!isEnded) deny(process, FILE, losses, error);
    }
  }
}
