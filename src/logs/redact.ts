import type { Pattern } from '../config/re2/pattern.ts';
import type { LogEntry } from './entry.ts';

/** The patterns to remove from values. */
interface Redaction {
  readonly pattern: Pattern;
  /** Only in these fields; in all of them, the message included, when empty. */
  readonly fields: readonly string[];
}

const HIDDEN = '***';
/** The field of a journal entry that is its message; rules for it apply to the messages of all sources. */
const MESSAGE = 'MESSAGE';

/**
 * Applies the rules to the values of an entry; undefined without rules. A value on which an expression can't be
 * evaluated within its limits is hidden completely: nothing that a rule covers may leave the process.
 */
export function redactor(rules: readonly Redaction[]): ((entry: LogEntry) => LogEntry) | undefined {
  if (rules.length === 0) return undefined;
  return (entry) => redacted(entry, rules);
}

function redacted(entry: LogEntry, rules: readonly Redaction[]): LogEntry {
  const fields = new Map<string, string | Uint8Array>();
  let isChanged = false;
  const hide = (name: string, value: string | Uint8Array) => {
    const shown = hidden(name, value, rules);
    isChanged ||= shown !== value;
    return shown;
  };
  for (const [name, value] of entry.fields) fields.set(name, hide(name, value));
  const message = String(hide(MESSAGE, entry.message));
  const repeated = entry.repeated?.map(([name, value]) => [name, hide(name, value)] as const);
  if (!isChanged) return entry;
  const { source, timeUs, priority, labels, cursor } = entry;
  return { source, timeUs, message, priority, labels, fields, ...(repeated && { repeated }), cursor };
}

function hidden(name: string, value: string | Uint8Array, rules: readonly Redaction[]): string | Uint8Array {
  let text: string | undefined;
  for (const { pattern, fields } of rules) {
    if (fields.length > 0 && !fields.includes(name)) continue;
    // Bytes are matched individually: a secret in them need not be UTF-8.
    text ??= typeof value === 'string' ? value : Buffer.from(value).toString('latin1');
    text = hide(pattern, text);
  }
  if (text === undefined || typeof value === 'string') return text ?? value;
  const bytes = Buffer.from(text, 'latin1');
  return bytes.equals(value) ? value : bytes;
}

function hide(pattern: Pattern, text: string): string {
  try {
    return pattern.hide(text, HIDDEN);
  } catch {
    return HIDDEN;
  }
}
