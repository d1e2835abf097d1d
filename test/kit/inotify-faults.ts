import { mock } from 'node:test';

/** `inotify_init1` and `inotify_add_watch`. */
interface InotifyCalls {
  inotify_init1(flags: number): number;
  inotify_add_watch(fd: number, path: Buffer, mask: number): number;
}

type Ffi = NonNullable<ReturnType<typeof process.getBuiltinModule<'node:ffi'>>>;

/** What the kernel's inotify does from now on. */
export interface InotifyFaults {
  /** No instance: the user has too many. */
  refusesAll: boolean;
  /** Whether a folder cannot be watched: the user has too many watches. */
  refuses: (folder: string) => boolean;
  /** The events that are reported at most, as bits of the mask. */
  reported: number;
}

/** As the kernel is by itself. */
export const NO_FAULTS: Readonly<InotifyFaults> = { refusesAll: false, refuses: () => false, reported: 0xffffffff };

/**
 * Makes the inotify of this process fail as configured in the result, which may change at any time. To be called before
 * the first use.
 */
export function inotifyFaults(): InotifyFaults {
  const faults = { ...NO_FAULTS };
  const builtin = process.getBuiltinModule.bind(process);
  mock.method(process, 'getBuiltinModule', (id: string) => {
    const ffi = builtin(id) as Ffi;
    return id === 'node:ffi' ? { ...ffi, dlopen: faulty(ffi, faults) } : ffi;
  });
  return faults;
}

const faulty =
  (ffi: Ffi, faults: InotifyFaults) =>
  (...given: Parameters<Ffi['dlopen']>) => {
    const opened = ffi.dlopen(...given);
    if (!('inotify_add_watch' in opened.functions)) return opened;
    const calls = opened.functions as unknown as InotifyCalls;
    const replaced: InotifyCalls = {
      inotify_init1: (flags) => (faults.refusesAll ? -1 : calls.inotify_init1(flags)),
      inotify_add_watch: (fd, path, mask) =>
        faults.refuses(path.toString('utf8', 0, path.length - 1))
          ? -1
          : calls.inotify_add_watch(fd, path, (mask & faults.reported) >>> 0),
    };
    return { ...opened, functions: { ...opened.functions, ...replaced } };
  };
