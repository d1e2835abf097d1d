import { closeSync, readSync } from 'node:fs';
import { errorCode } from '../base/error-text.ts';
import { pathOfText } from './bytes.ts';
import { nulTerminated, s32, u32 } from './native.ts';
import { libcFunctions } from './syscalls.ts';

const DEFINITIONS = {
  inotify_init1: { arguments: ['int32'], return: 'int32' },
  inotify_add_watch: { arguments: ['int32', 'buffer', 'uint32'], return: 'int32' },
  inotify_rm_watch: { arguments: ['int32', 'int32'], return: 'int32' },
} as const;

type Calls = ReturnType<typeof libcFunctions<typeof DEFINITIONS>>;
let loaded: Calls | undefined;

/** The functions, loaded at the first call. Throws Unsupported. */
const calls = (): Calls => {
  loaded ??= libcFunctions(DEFINITIONS);
  return loaded;
};

/** The bits of an event's mask, from linux/inotify.h. */
const IN = {
  MODIFY: 0x2,
  MOVED_FROM: 0x40,
  MOVED_TO: 0x80,
  CREATE: 0x100,
  DELETE: 0x200,
  DELETE_SELF: 0x400,
  MOVE_SELF: 0x800,
  Q_OVERFLOW: 0x4000,
  ISDIR: 0x40000000,
};
const CHANGES = IN.MODIFY | IN.MOVED_FROM | IN.MOVED_TO | IN.CREATE | IN.DELETE | IN.DELETE_SELF | IN.MOVE_SELF;
const IN_ONLYDIR = 0x01000000;

/** struct inotify_event without its name. */
const HEAD_BYTES = 16;
const BUFFER_BYTES = 16 * 1024;
/** Far more than the kernel's queue holds: a busy writer must not keep {@link Inotify.drain} from ending. */
const MOST_READS = 200;

/** What changed in a watched folder. */
export interface FolderEvent {
  /** The number of the watch. */
  readonly watch: number;
  /** The name of what changed in the folder; empty when it is about the folder itself, or about its watch, which ended. */
  readonly name: string;
  /** Whether that is a folder. */
  readonly isFolder: boolean;
  /** Whether only the content of a file changed; otherwise something appeared, vanished or was renamed. */
  readonly isWrite: boolean;
}

/** The events in `bytes`; undefined if the kernel had to drop some (its queue was full). */
export function parseFolderEvents(bytes: Buffer): FolderEvent[] | undefined {
  const events: FolderEvent[] = [];
  for (let at = 0; at + HEAD_BYTES <= bytes.length; ) {
    const mask = u32(bytes, at + 4);
    if ((mask & IN.Q_OVERFLOW) !== 0) return undefined;
    const end = at + HEAD_BYTES + u32(bytes, at + 12);
    events.push({
      watch: s32(bytes, at),
      name: nulTerminated(bytes.subarray(at + HEAD_BYTES, end)),
      isFolder: (mask & IN.ISDIR) !== 0,
      isWrite: (mask & IN.MODIFY) !== 0,
    });
    at = end;
  }
  return events;
}

/** Reports what is written, created, removed and renamed in folders: inotify(7). Reading it does not wait. */
export class Inotify {
  readonly #calls = calls();
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);

  /** Throws Unsupported without node:ffi, and SyscallError, with EMFILE when the user has too many instances. */
  constructor() {
    const IN_NONBLOCK = 0o4000;
    const IN_CLOEXEC = 0o2000000;
    this.#fd = this.#calls.inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    this.#calls.check('inotify_init1', this.#fd);
  }

  /**
   * The number of the watch on a folder: the same for the same folder, another for a later one of its name. Undefined if
   * the folder is absent or hidden, or the user has too many watches.
   */
  add(folder: string): number | undefined {
    const path = Buffer.concat([Buffer.from(pathOfText(folder)), Buffer.of(0)]);
    const watch = this.#calls.inotify_add_watch(this.#fd, path, CHANGES | IN_ONLYDIR);
    return watch === -1 ? undefined : watch;
  }

  /** Ends a watch, which may have ended already. */
  remove(watch: number): void {
    this.#calls.inotify_rm_watch(this.#fd, watch);
  }

  /**
   * Passes the events since the last call to `take`; false if some are missing, because there were too many. Throws the
   * errors of node:fs.
   */
  drain(take: (event: FolderEvent) => void): boolean {
    for (let reads = 0; reads < MOST_READS; reads++) {
      const length = this.#read();
      if (length === 0) return true;
      const events = parseFolderEvents(this.#buffer.subarray(0, length));
      if (events === undefined) return false;
      for (const event of events) take(event);
    }
    return false;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #read(): number {
    try {
      return readSync(this.#fd, this.#buffer, 0, BUFFER_BYTES, null);
    } catch (cause) {
      if (errorCode(cause) === 'EAGAIN') return 0;
      throw cause;
    }
  }
}
