import * as z from 'zod';
import { readText, whyUnread } from '../../base/files.ts';
import { Problems } from '../../base/problems.ts';
import { parseYaml, YamlError } from '../../config/yaml.ts';
import { type ProcessName, processName } from './matcher.ts';

/** No real file comes near this size. */
const MAX_FILE_BYTES = 1024 * 1024;

/** process-exporter ignores all other keys of the file, so others are allowed. */
const schema = z.object({ process_names: z.array(processName).nullish() });

/** Problems of a file in process-exporter's format; one line per problem, each with its position. */
export class ProcessNamesError extends Problems {
  override readonly name = 'ProcessNamesError';
}

/** The entries of a file, and the position of the value at a path of keys. */
interface NamesFile {
  readonly entries: readonly ProcessName[];
  readonly placeOf: (path: readonly PropertyKey[]) => string;
}

/** Reads a process-exporter configuration file. Throws ProcessNamesError. */
export function readProcessNames(file: string): NamesFile {
  let text: string;
  try {
    text = readText(file, MAX_FILE_BYTES);
  } catch (cause) {
    throw new ProcessNamesError([`${file}: cannot be read (${whyUnread(cause)})`]);
  }
  return parseProcessNames(file, text);
}

/** The same for the text of `file`. */
function parseProcessNames(file: string, text: string): NamesFile {
  const { value, place } = yamlOf(file, text);
  const placeOf = (path: readonly PropertyKey[]) => place(path) ?? `${file}:1:1`;
  const result = schema.safeParse(value ?? {});
  if (result.success) return { entries: result.data.process_names ?? [], placeOf };
  throw new ProcessNamesError(
    result.error.issues.map((issue) => {
      const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path;
      const message = issue.code === 'unrecognized_keys' ? 'unknown key' : issue.message;
      return `${placeOf(path)}: ${path.map(String).join('.')}: ${message}`;
    }),
  );
}

function yamlOf(file: string, text: string) {
  try {
    const { value, placeOf: place } = parseYaml(file, text);
    return { value, place };
  } catch (cause) {
    throw cause instanceof YamlError ? new ProcessNamesError(cause.problems) : cause;
  }
}
