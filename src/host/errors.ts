import { errorCode, errorText } from '../base/error-text.ts';
import { holdsAllCapabilities } from './capabilities.ts';

/** A file or folder is absent: the kernel feature or the hardware does not exist, or a device was just removed. */
export class MissingFile extends Error {
  override readonly name = 'MissingFile';

  constructor(path: string, options?: ErrorOptions) {
    super(`${path} does not exist`, options);
  }
}

const CAPABILITIES_TO_GRANT = '; run as root or grant CAP_DAC_READ_SEARCH (or CAP_SYS_PTRACE below /proc)';
const REFUSED = ' although this process has the capabilities; a security module or another user namespace refuses it';

/** A file that this process may not read. */
export class DeniedFile extends Error {
  override readonly name = 'DeniedFile';

  constructor(path: string, options?: ErrorOptions) {
    super(`${path}: permission denied${holdsAllCapabilities() ? REFUSED : CAPABILITIES_TO_GRANT}`, options);
  }
}

/** A file exists but could not be read. */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile';
}

/** A system call or kernel interface is unavailable; the message says why. Handled like a missing file: no data. */
export class Unsupported extends Error {
  override readonly name = 'Unsupported';
}

/**
 * The kernel would report a namespace of the agent's own, a pod's network for example, instead of the host's; the
 * message names the setting to change.
 */
export class WrongNamespace extends Error {
  override readonly name = 'WrongNamespace';
}

/** A file whose content does not match its format; the message names path and line. */
export class MalformedFile extends Error {
  override readonly name = 'MalformedFile';

  constructor(path: string, line: number, message: string) {
    super(`${path}:${line}: ${message}`);
  }
}

const OF_HOST = [MissingFile, DeniedFile, UnreadableFile, Unsupported, WrongNamespace, MalformedFile];

/** Whether an error concerns the host and its files, rather than configuration or code. */
export const isOfHost = (cause: unknown): boolean => OF_HOST.some((type) => cause instanceof type);

/** The error class for `cause`, an error of node:fs met at `path`. */
export function fileError(path: string, cause: unknown): Error {
  const code = errorCode(cause);
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENODEV' || code === 'ENXIO' || code === 'ESRCH') {
    return new MissingFile(path, { cause });
  }
  if (code === 'EACCES' || code === 'EPERM') return new DeniedFile(path, { cause });
  return new UnreadableFile(`cannot read ${path}: ${code ?? errorText(cause)}`, { cause });
}
