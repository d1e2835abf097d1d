import { type StatsFs, statfsSync } from 'node:fs';
import { getSystemErrorMessage } from 'node:util';
import { Worker } from 'node:worker_threads';
import { pathOfText } from './bytes.ts';

/** The result of statfs(2) for a file system. */
export interface Space {
  readonly sizeBytes: number;
  readonly freeBytes: number;
  /** Free for users other than root. */
  readonly availableBytes: number;
  readonly files: number;
  readonly filesFree: number;
}

/** The space, or the reason why it is unknown, in the wording of the C library. */
export type SpaceAnswer = Space | { readonly error: string };

/** The error for a mount that does not respond; node_exporter's wording. */
export const MOUNT_TIMEOUT = 'mountpoint timeout';

/** The space of a file system that responds immediately. */
export function localSpace(path: string): SpaceAnswer {
  try {
    return spaceOf(statfsSync(pathOfText(path)));
  } catch (cause) {
    return { error: errnoText(cause instanceof Error && 'errno' in cause ? Number(cause.errno) : 0) };
  }
}

type Counts = Pick<StatsFs, 'bsize' | 'blocks' | 'bfree' | 'bavail' | 'files' | 'ffree'>;

const spaceOf = ({ bsize, blocks, bfree, bavail, files, ffree }: Counts): Space => ({
  sizeBytes: blocks * bsize,
  freeBytes: bfree * bsize,
  availableBytes: bavail * bsize,
  files,
  filesFree: ffree,
});

/** Error texts for which libuv differs from the C library or has none, by Linux errno. */
const C_WORDS: ReadonlyMap<number, string> = new Map([
  [5, 'input/output error'],
  [12, 'cannot allocate memory'],
  [16, 'device or resource busy'],
  [36, 'file name too long'],
  [40, 'too many levels of symbolic links'],
  [95, 'operation not supported'],
  [107, 'transport endpoint is not connected'],
  [116, 'stale NFS file handle'],
  [117, 'structure needs cleaning'],
  [123, 'no medium found'],
  [124, 'wrong medium type'],
  [126, 'required key not available'],
  [127, 'key has expired'],
  [128, 'key has been revoked'],
  [129, 'key was rejected by service'],
]);

const errnoText = (errno: number): string =>
  C_WORDS.get(-errno) ?? getSystemErrorMessage(errno)?.toLowerCase() ?? `errno ${-errno}`;

/** The worker's program, as text so that it can also be started from a bundle. */
const PROGRAM = `
const { statfsSync } = require('node:fs');
const { parentPort } = require('node:worker_threads');
parentPort.on('message', (path) => {
  let answer;
  try {
    const { bsize, blocks, bfree, bavail, files, ffree } = statfsSync(path);
    answer = { bsize, blocks, bfree, bavail, files, ffree };
  } catch ({ errno }) {
    answer = { errno };
  }
  parentPort.postMessage(answer);
});`;

/** A thread with a small JavaScript heap still uses 7 MB, and each mount that hangs blocks another one. */
const MAX_THREADS = 4;
const HEAP = { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1, codeRangeSizeMb: 1, stackSizeMb: 1 };

interface Question {
  readonly key: string;
  readonly path: string;
  readonly answer: Promise<SpaceAnswer>;
  readonly resolve: (answer: SpaceAnswer) => void;
  /** Timed out while its thread is still blocked. */
  isLate: boolean;
}

interface Thread {
  readonly worker: Worker;
  question: Question | undefined;
  /** Whether its request takes so long that others should not wait behind it. */
  isSlow: boolean;
}

const asking = new Set<Thread>();

/**
 * Number of threads of this process currently blocked on a mount. As long as there is one, process.exit() never
 * returns, because Node joins its threads first: the process must then be ended with a signal or an exec.
 */
export const waitingThreads = (): number => asking.size;

/**
 * Queries the space of file systems that may never respond, each request in a worker thread and with a deadline.
 * libuv's thread pool is unsuitable: four stuck calls would block all other file and DNS work of the process. The first
 * thread starts with the first request, and further ones only if all others are slow.
 */
export class BlockingSpace {
  readonly #deadlineMs: number;
  readonly #program: string;
  readonly #threads = new Set<Thread>();
  readonly #queue = new Set<Question>();
  /** Pending requests by device and path: queued, or sent to a thread and not yet answered. */
  readonly #open = new Map<string, Question>();

  /** `program` is what a thread runs, for tests: it replies to each message, a path, with counts or an errno. */
  constructor(deadlineMs: number, program = PROGRAM) {
    this.#deadlineMs = deadlineMs;
    this.#program = program;
  }

  /**
   * The space at `path`, within the deadline; immediately {@link MOUNT_TIMEOUT} while an older request for it is stuck.
   * `device` is its number, `8:1`: another file system may be mounted there while the one before is stuck.
   */
  async ask(path: string, device = ''): Promise<SpaceAnswer> {
    const key = `${device} ${path}`;
    const open = this.#open.get(key);
    if (open) return open.isLate ? { error: MOUNT_TIMEOUT } : open.answer;
    if (this.#threads.size === MAX_THREADS && this.#allSlow()) return { error: MOUNT_TIMEOUT };
    const { promise: answer, resolve } = Promise.withResolvers<SpaceAnswer>();
    const question: Question = { key, path, answer, resolve, isLate: false };
    this.#open.set(key, question);
    this.#queue.add(question);
    this.#serve();
    const deadline = setTimeout(() => this.#expire(question), this.#deadlineMs);
    try {
      return await answer;
    } finally {
      clearTimeout(deadline);
    }
  }

  #allSlow(): boolean {
    for (const thread of this.#threads) if (!thread.isSlow) return false;
    return true;
  }

  #expire(question: Question): void {
    question.isLate = true;
    if (this.#queue.delete(question)) this.#open.delete(question.key);
    question.resolve({ error: MOUNT_TIMEOUT });
  }

  /** Passes the head of the queue to a free thread, if there is one or one may be started. */
  #serve(): void {
    const [question] = this.#queue;
    const thread = question && this.#freeThread();
    if (!thread) return;
    this.#queue.delete(question);
    thread.question = question;
    asking.add(thread);
    const patience = setTimeout(
      () => {
        thread.isSlow = true;
        this.#serve();
      },
      this.#deadlineMs / (MAX_THREADS + 1),
    );
    question.answer.finally(() => clearTimeout(patience));
    thread.worker.postMessage(pathOfText(question.path));
  }

  #freeThread(): Thread | undefined {
    for (const thread of this.#threads) if (!thread.question) return thread;
    return this.#threads.size < MAX_THREADS && this.#allSlow() ? this.#start() : undefined;
  }

  #start(): Thread {
    const worker = new Worker(this.#program, {
      eval: true,
      env: {},
      execArgv: [],
      name: 'statfs',
      resourceLimits: HEAP,
    });
    const thread: Thread = { worker, question: undefined, isSlow: false };
    this.#threads.add(thread);
    worker.on('message', (answer: Counts | { errno: number }) => {
      this.#finish(thread, 'errno' in answer ? { error: errnoText(answer.errno) } : spaceOf(answer));
    });
    const gone = (error: string) => {
      this.#threads.delete(thread);
      this.#finish(thread, { error });
    };
    worker.on('error', () => gone('out of memory'));
    worker.on('exit', () => gone('thread ended'));
    // Only now: listening for messages makes it count again as work that keeps the process alive.
    worker.unref();
    return thread;
  }

  #finish(thread: Thread, answer: SpaceAnswer): void {
    const { question } = thread;
    thread.question = undefined;
    thread.isSlow = false;
    asking.delete(thread);
    if (question) {
      this.#open.delete(question.key);
      question.resolve(answer);
    }
    this.#serve();
    const idle = [...this.#threads].filter((other) => !other.question);
    for (const surplus of idle.slice(1)) {
      this.#threads.delete(surplus);
      void surplus.worker.terminate();
    }
  }
}
