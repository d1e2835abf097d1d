import { errorText } from '../../../base/error-text.ts';
import { readText } from '../../../base/files.ts';
import type { Resource } from '../resource.ts';
import { CustomResourceError } from './config.ts';
import { parseCustomResources } from './resource.ts';

/** The content of the custom resource file. */
interface CustomResources {
  readonly resources: readonly Resource[];
  /** Why it can't be used, one line each; then there are no resources. */
  readonly problems: readonly string[];
}

/** Maximum size; no real file comes close. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Reads `collectors.ksm.customResourceStateFile`, if set. */
export function readCustomResources(section: {
  readonly customResourceStateFile?: string | undefined;
}): CustomResources {
  const { customResourceStateFile: file } = section;
  if (file === undefined) return { resources: [], problems: [] };
  const at = `collectors.ksm.customResourceStateFile: ${file}`;
  try {
    return { resources: parseCustomResources(readText(file, MAX_BYTES)), problems: [] };
  } catch (cause) {
    if (cause instanceof CustomResourceError) {
      return { resources: [], problems: cause.problems.map((problem) => `${at}: ${problem}`) };
    }
    return { resources: [], problems: [`${at}: cannot be read (${errorText(cause)})`] };
  }
}
